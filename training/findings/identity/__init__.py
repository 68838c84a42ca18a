"""Who a picture is of, where it stands in the pixels."""
