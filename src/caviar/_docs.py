CLASSIFIER = """Multi-layer perceptron classifier."""
REGRESSOR = """Multi-layer perceptron regressor."""
