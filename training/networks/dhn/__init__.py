"""DHN: a dual head network that says whether a radiograph shows a nodule, and where.

Tsai & Peng 2022, Multi-Task Lung Nodule Detection in Chest Radiographs with a Dual Head Network.
"""
