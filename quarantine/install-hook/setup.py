import os

from setuptools import setup

os.system("id > installed.txt")
setup(name="double")
