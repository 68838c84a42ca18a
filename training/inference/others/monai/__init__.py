"""MONAI bundles of a RetinaNet on CT, in the layout of ``lung_nodule_ct_detection``."""
