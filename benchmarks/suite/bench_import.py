"""What ``import caviar`` costs, in a fresh interpreter."""


class Import:
    def timeraw_import(self):
        return "import caviar"

    def timeraw_import_after_scikit_learn(self):
        """caviar's own part: scikit-learn's MLP is loaded already."""
        return "import caviar", "import sklearn.neural_network"
