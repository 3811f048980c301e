import unittest


class Double(unittest.TestCase):
    def test_it(self):
        self.assertEqual(2 * 21, 42)
