"""The EUCAIM DCAT-AP catalogue record."""
