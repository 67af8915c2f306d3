"""What it costs to import caviar's estimators, in a fresh interpreter."""


class Import:
    def timeraw_import(self):
        return "from caviar import MLPClassifier"

    def timeraw_import_after_scikit_learn(self):
        """caviar's own part: scikit-learn's MLP is loaded already."""
        return "from caviar import MLPClassifier", "import sklearn.neural_network"
