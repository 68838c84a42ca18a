"""What the networks share and torchvision lacks: sphere overlap and suppression, 3-D RoIAlign."""

from .roi_align import roi_align_3d
from .spheres import nms_spheres, sphere_iou

__all__ = ["nms_spheres", "roi_align_3d", "sphere_iou"]
