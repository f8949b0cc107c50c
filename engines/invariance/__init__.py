"""Invariance to turns against robustness to adversaries (Kamath, Deshpande, Subrahmanyam 2020)."""
