"""The model card, docs/routing-model.md, written from results.json: no figure in it is typed by hand."""

from typing import Any

OPENING = """# The routing model

<!-- Written by `python -m training.train`: change training/card.py, not this file. -->

Tenbin reads kind, domain, language and difficulty out of a request's own words, on the spot and without a network:
hashed words and letter groups and some eighty counts, a linear classifier for task and domain, boosted trees for
exam questions, and one logistic curve for the chance that a model of each tier is good enough. The weights
(`src/tenbin/discern/weights/routing.npz`, {kilobytes} kB) come with the package; numpy is all they need, and it is
loaded at the first request that is read.

## What it says of a request

- **Task** (19 kinds) and **domain** (14), each with a calibrated chance; **language** (`en`, `ja`, `other`), by script.
- **Suffices**: for each tier the chance that a typical model of it answers well enough. One curve over ability, fitted
  to models of known ability (`src/tenbin/decide/abilities.json`), so that it holds for models it never saw.
- **Gain**: how much better a strong model is expected to do, for sending a share of requests to it. An exam question
  (lettered options) is ranked by what was learned of exams; any other request by its kind.

What is read is the last turn of a person, head and tail of a long one; a turn of a word or two is read after the first
turn, and a short system prompt before the turn. Agent transcripts, tool results and reminders are not read.

## What it was trained on

{collections}

Our own seed prompts ({own_templates} templates in English and Japanese, `training/seeds/`) teach the kinds of task that
no collection has: translation, comments, refactoring, tests, debugging, planning, content, chat. How much a strong
model gains on each kind of open-ended request is not learned but written down (`training/priors.py`), and so is what
low and high tiers manage where no outcome is known. AlpacaEval (non-commercial) and RouterDC (no licence) are measured
on, never trained on. No data is part of the package or the repository.

## Figures

Cross-validated: every part that could have seen a row was trained again without it, by the same code. **The shipped
weights have seen all rows below: `tenbin eval routing` on the same files shows figures that are too good, and says so.
On files they have not seen, its figures are honest.** Some thirty variants (features, strengths, blends) were compared on
these very folds, so they flatter a little. Brackets: 95 % bootstrap interval. APGR: part of the gap between
the two models that is recovered, averaged over all shares of calls sent to the strong one; CPT(p): per cent of calls to
the strong model at which p % of the gap is recovered.

"""

LIMITS = """
## What it cannot know

- **Which of two questions of one kind is the harder one.** Ranked inside each exam subject only, APGR is {within:.3f}:
  most of what can be told from a prompt is its kind. Knowing the true subject's mean gain, learned from these very
  rows, gives {subject:.3f}: a router that has never seen the subject cannot be expected to go far beyond. The oracle
  stands beside each figure; getting nearer to it takes a look at an answer (see escalation).
- **Your models.** Outcomes are of models from 2023 to 2025; today's are placed by ability on the same curve, and the
  upper tiers lie beyond every model of the data. Your own evidence (docs/quality.md) corrects that, the weights do not.
- **Open-ended requests in English.** There is no outcome data of such requests that may be used; the ranking is the
  prior. Where people or judges compare answers by style rather than by errors (AlpacaEval), it is no better than
  chance.
- **Agent turns.** There are no public outcomes for single turns of coding agents. Thirty prompts with tiers by judgement
  are all; affinity and category rules decide there.
- **Japanese** rests on 220 prompts judged by GPT-4 Turbo: mind the intervals.
- **Domains** of subjects that nothing similar was trained on are often wrong; a domain's chance says how sure it is.
- Prompts written to look easy, or hard, are believed.

## Training it again

`training/README.md`. The same data, packages and machine give the same bytes (`--check`); other versions of
scikit-learn or LightGBM may differ in the last digits, and the figures by about 0.01.
"""

COLLECTIONS = """| collection | licence | teaches |
|---|---|---|
| RouteLLM's outcomes of MMLU (10,267 questions of 43 subjects) and GSM8K (999) | Apache-2.0 (questions MIT) | gain, tiers, domain |
| RouterBench (ARC, MBPP, WinoGrande; 11 models) | MIT | tiers |
| LLMRouter (9 models) | MIT | tiers, gain of word problems, some task types |
| shaberi: ELYZA-tasks-100, Tengu-Bench, judged | Apache-2.0 (ELYZA prompts CC BY-SA 4.0) | gain and tiers of Japanese requests |
| self-instruct (T0 templates), legalbench, MBPP, HumanEval, MATH | Apache-2.0, CC BY 4.0, MIT | task type |
| semantic-router's exemplars of MMLU-Pro | Apache-2.0, MIT | domain |
| coding prompts with tiers (30), label set (45) | MIT | tiers, task type |
| our own seed prompts | Apache-2.0 | task type, domain, tiers |"""


def card(results: dict[str, Any], size: int) -> str:
    """The page of these results; ``size`` is that of the weights' file in bytes."""
    opening = OPENING.format(
        kilobytes=round(size / 1000), collections=COLLECTIONS, own_templates=results["tasks"]["own_templates"]
    )
    limits = LIMITS.format(
        within=results["exam"]["within_subjects"], subject=results["exam"]["true_subject_in_sample"]["apgr"]
    )
    return opening + pairs(results) + kinds(results) + calibrations(results) + limits


def cell(figures: dict[str, float]) -> str:
    """APGR / CPT(50) / CPT(80)."""
    return f"{figures['apgr']:.3f} / {figures['cpt50']:.1f} / {figures['cpt80']:.1f}"


def pairs(results: dict[str, Any]) -> str:
    """Two models: APGR / CPT(50) / CPT(80)."""
    exam, japanese = results["exam"], results["japanese"]
    rows = {
        "MMLU, unseen subjects (5-fold by subject)": exam["all"],
        f"the same without {exam['dominating']}": exam["without_dominating"],
        "GSM8K, 10-fold": results["problems"]["all"],
    } | {f"Japanese, {name}, 10-fold": figures for name, figures in sorted(japanese.items()) if name != "mean_apgr"}
    lines = [
        "| APGR / CPT(50) / CPT(80) | Tenbin | APGR [95 %] | length | oracle | prompts | cheapest, strongest |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, figures in rows.items():
        low, high = figures["apgr_interval"]
        lines.append(
            f"| {name} | {cell(figures)} | [{low:.3f}, {high:.3f}] | {cell(figures['length'])} "
            f"| {cell(figures['oracle'])} | {figures['rows']:,} "
            f"| {figures['cheapest']:.3f}, {figures['strongest']:.3f} |"
        )
    lines += ["", "Random routing has 0.500 / 50.0 / 80.0 everywhere.", ""]
    return "\n".join(lines) + "\n"


def kinds(results: dict[str, Any]) -> str:
    """Task types and domains."""
    tasks, domains = results["tasks"], results["domains"]
    low, high = tasks["accuracy_interval"]
    own = tasks["own_left_out"]
    weakest = ", ".join(f"{name} {f1:.2f}" for name, f1 in sorted(tasks["f1"].items(), key=lambda each: each[1])[:4])
    return "\n".join(
        [
            "| kinds | accuracy | macro-F1 | prompts |",
            "|---|---|---|---|",
            f"| task type, unseen templates ({tasks['templates']} in five folds) | {tasks['accuracy']:.3f} "
            f"[{low:.3f}, {high:.3f}] | {tasks['macro_f1']:.3f} | {tasks['rows']:,} |",
            f"| the same: always the most frequent | {tasks['most_frequent']:.3f} | | |",
            f"| task type, {own['templates']} own templates left out of training, 19 kinds | {own['accuracy']:.3f} "
            f"(English {own['en']:.3f}, Japanese {own['ja']:.3f}) | | {own['rows']} |",
            f"| domain, exemplars | {domains['exemplars']['accuracy']:.3f} | | {domains['exemplars']['rows']} |",
            f"| domain, unseen MMLU subjects | {domains['unseen_subjects']['accuracy']:.3f} | "
            f"| {domains['unseen_subjects']['rows']:,} |",
            "",
            f"Weakest kinds (F1): {weakest}. Leaving out a template takes away all of MATH or all of HumanEval at once, "
            "the only prompts of their form; and our own seed prompts were written knowing which kinds of templates the "
            "collection has, so the accuracy on templates of yet another style may be lower.",
            "",
        ]
    )


def calibrations(results: dict[str, Any]) -> str:
    """How far chances can be taken at their word."""
    names = {
        "mmlu": "MMLU",
        "gsm8k": "GSM8K",
        "routerbench": "RouterBench",
        "llmrouter": "LLMRouter",
        "shaberi": "Japanese judgements",
    }
    lines = [
        "",
        "Chance that a model of known ability suffices, five-fold by prompt (ECE over ten equally filled bins; the last "
        "column is the Brier score of always saying that collection's mean):",
        "",
        "| collection | ECE | Brier | mean chance | mean outcome | Brier of the mean |",
        "|---|---|---|---|---|---|",
    ]
    for key, name in names.items():
        of = results["tiers"][key]
        lines.append(
            f"| {name} | {of['ece']:.3f} | {of['brier']:.3f} | {of['mean_chance']:.3f} | {of['mean_outcome']:.3f} "
            f"| {of['brier_of_mean']:.3f} |"
        )
    coding = results["tiers"]["coding"]
    lines += [
        "",
        f"The low tier's chance against the tier that an author judged {coding['rows']} coding prompts to need, "
        f"five-fold: Spearman {coding['spearman']:.2f} (their length alone: 0.74; hard prompts are simply written longer "
        "there).",
    ]
    told = results["tasks"]["calibration"]
    lines += ["", f"Chance of the task, unseen templates: ECE {told['ece']:.3f}, Brier {told['brier']:.3f}.", ""]
    return "\n".join(lines)
