"""The tables of a recipe (data, model, training), and the values of transforms and colour constancy."""
