"""How is a model fitted, asked and saved? One module per kind of model."""
