"""The plugins that ship with counterfoil; they enter by the same entry-point group as anybody else's."""
