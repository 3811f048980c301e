import os

from setuptools import setup

os.system("id > /tmp/installed")
setup(name="double")
