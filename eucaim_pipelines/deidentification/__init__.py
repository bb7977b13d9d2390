"""The crossing: what leaves the restricted zone is built anew from what is allowed."""
