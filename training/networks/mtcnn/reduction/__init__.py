"""False-positive reduction (LUNA16) with the network of MT-CNN."""
