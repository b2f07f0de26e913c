"""What quality gates are measured on: a small real model's answers to generated prompts that a program judges
exactly.
"""
