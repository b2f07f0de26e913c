"""2. What collections of labelled prompts call a task or a domain, in the words used here.

Used by training and by measuring alike, so that both read a collection's labels the same way.
"""

from typing import Final

from tenbin.core.features import Domain, TaskType

TASK_LABELS: Final[dict[str, TaskType]] = {
    "classification": "classification",
    "summarization": "summarization",
    "creative_writing": "creative_writing",
    "contract_analysis": "contract_analysis",
    "code_generation": "code_generation",
    "math": "mathematics",
    "reading_qa": "reading_comprehension",
    "closed_qa": "short_answer",
    "paraphrase_rewrite": "rewriting",
    "data_to_text_extraction": "data_extraction",
    "question_generation": "question_generation",
}
"""Labels of a task; a collection's other labels (``open_instruction``, ``user_oriented``) say where a prompt came from
and not what it asks for."""

DOMAIN_LABELS: Final[dict[str, Domain]] = {
    "biology": "biology",
    "business": "business",
    "chemistry": "chemistry",
    "computer science": "computer_science",
    "economics": "economics",
    "engineering": "engineering",
    "health": "health",
    "history": "history",
    "law": "law",
    "math": "mathematics",
    "philosophy": "philosophy",
    "physics": "physics",
    "psychology": "psychology",
    "other": "other",
}
"""Labels of a domain, as MMLU-Pro has them."""

SUBJECT_DOMAINS: Final[dict[str, Domain]] = {
    "abstract_algebra": "mathematics",
    "anatomy": "health",
    "astronomy": "physics",
    "business_ethics": "business",
    "clinical_knowledge": "health",
    "college_biology": "biology",
    "college_chemistry": "chemistry",
    "college_computer_science": "computer_science",
    "college_mathematics": "mathematics",
    "college_medicine": "health",
    "computer_security": "computer_science",
    "conceptual_physics": "physics",
    "econometrics": "economics",
    "elementary_mathematics": "mathematics",
    "formal_logic": "philosophy",
    "global_facts": "other",
    "high_school_chemistry": "chemistry",
    "high_school_computer_science": "computer_science",
    "high_school_european_history": "history",
    "high_school_geography": "other",
    "high_school_government_and_politics": "history",
    "high_school_macroeconomics": "economics",
    "high_school_microeconomics": "economics",
    "high_school_physics": "physics",
    "high_school_psychology": "psychology",
    "high_school_statistics": "mathematics",
    "high_school_us_history": "history",
    "high_school_world_history": "history",
    "human_aging": "health",
    "human_sexuality": "psychology",
    "international_law": "law",
    "jurisprudence": "law",
    "management": "business",
    "marketing": "business",
    "miscellaneous": "other",
    "moral_disputes": "philosophy",
    "nutrition": "health",
    "philosophy": "philosophy",
    "professional_accounting": "business",
    "professional_law": "law",
    "public_relations": "business",
    "security_studies": "history",
    "world_religions": "philosophy",
}
"""Domains of the subjects of MMLU that are trained on."""
