"""The engine: one object's elements under the rules of the profile, written anew as bytes."""
