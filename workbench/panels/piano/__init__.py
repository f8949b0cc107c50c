"""The panel of paper 8: hear one performance in the style of another."""
