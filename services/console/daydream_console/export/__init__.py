"""What was judged, as material to train and test models on."""
