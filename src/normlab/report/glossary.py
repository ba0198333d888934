"""The words of normlab and of its field, each in a sentence or two.

One text for every place that explains a word: the report and the documents.
"""

from __future__ import annotations

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "accuracy": "The share of examples that get the right label.",
    "activation": (
        "The number that a unit of a network gives for one example. The activations "
        "of a layer over many examples have a distribution, which moves while the "
        "network trains."
    ),
    "arm": (
        "One variant of the network in a comparison, for example with batch norm, or "
        "without batch norm."
    ),
    "baseline": (
        "The arm that the others are compared with: the one without a norm if there "
        "is one, else the first."
    ),
    "batch": "The examples of one training step.",
    "batch norm": (
        "Batch normalization: a layer that subtracts from each feature its mean over "
        "the batch, divides by its standard deviation there, and then scales and "
        "shifts by two learnt numbers, gamma and beta. At inference it uses running "
        "statistics instead."
    ),
    "claim": (
        "A statement about the arms, with its measure, its interval and its verdict."
    ),
    "confidence interval": (
        "A range computed from the data by a rule that catches the true value in 95 % "
        "of all studies. A wide one says that the data tell little."
    ),
    "covariate shift": (
        "Internal covariate shift: when the layers before take a step, the inputs of "
        "a layer change, and with them the gradient that it would follow. It was the "
        "first explanation of batch norm; here it is measured as that change of the "
        "gradient."
    ),
    "cross-entropy": (
        "The usual loss of a classifier: minus the logarithm of the probability that "
        "it gives to the right label, averaged over examples."
    ),
    "dead unit": "A unit behind a ReLU that is 0 for every example looked at.",
    "digest": (
        "A short number computed from data, SHA-256 here: where two digests are "
        "equal, so are the data. It proves that twins started alike."
    ),
    "drift": (
        "How far the distribution of a layer's activations moves while the network "
        "trains."
    ),
    "effect": (
        "By how much an arm differs from the baseline in a measure: a ratio (1 is "
        "equal) or a difference (0 is equal). Each pair of twins gives one."
    ),
    "epoch": "One pass over all training examples.",
    "fold": (
        "Merge a batch norm into the linear layer before it. At inference both are "
        "one linear map, so the outputs stay the same and the norm costs nothing."
    ),
    "Hessian": (
        "The matrix of second derivatives of the loss. Its eigenvalues are the "
        "curvatures of the loss surface: large ones are steep directions."
    ),
    "Holm": (
        "Holm's method corrects p values where many claims are judged at once: the "
        "chance that any of them is decided by accident stays below 5 %."
    ),
    "interval": (
        "Short for a 95 % confidence interval. Those of effects are paired by seed."
    ),
    "learning rate": "How far a step goes along the gradient, written lr.",
    "look": (
        "A time at which verdicts were given from all seeds asked for so far; kept, "
        "and allowed for by later ones."
    ),
    "loss": (
        "The number that training makes small; cross-entropy, unless you give another."
    ),
    "loss surface": (
        "The loss as a function of the weights, shown on a plane through them as a "
        "map with lines of equal loss."
    ),
    "margin": (
        "Up to where a difference does not matter; fixed before anything is measured."
    ),
    "measure": "The number that stands for what a claim is about.",
    "momentum": (
        "How much of the last step is added to the next one; smooths the way of "
        "training."
    ),
    "nat": (
        "The unit of cross-entropy with natural logarithms: a loss of 1 nat means "
        "that the right label gets the probability 1/e, about 37 %. One bit is 0.69 "
        "nats."
    ),
    "norm": (
        "Here: a layer that normalises, such as batch, layer or group norm. Not the "
        "length of a vector."
    ),
    "p value": (
        "How often a difference as large as the one measured, or larger, would come "
        "about by accident if the arms were equal."
    ),
    "part": "Some seeds of a study, trained in a folder of their own and merged later.",
    "plane": (
        "Where a loss surface is measured: an origin in the space of all weights, and "
        "two directions."
    ),
    "probe": "Observes a run at scheduled steps, and never changes it.",
    "rate": "Short for learning rate.",
    "recipe": (
        "How an arm is trained: optimizer, learning rate, momentum, weight decay, "
        "schedule, batch size, epochs."
    ),
    "record": "What is stored of a study: rows in its database, arrays beside it.",
    "ReLU": "A nonlinearity: what is below 0 becomes 0, the rest stays.",
    "run": "One arm with one learning rate and one seed: the unit of work.",
    "running statistics": (
        "Means and variances that a batch norm averages while it trains, to use at "
        "inference instead of the batch's."
    ),
    "seed": (
        "A number from which all that is random in a run follows: initial weights, "
        "order of batches. Several seeds show how much is chance."
    ),
    "slot": "A named place in a network where a norm may stand.",
    "spectrum": "All eigenvalues of a matrix; of the Hessian, all curvatures.",
    "step": "One update of the weights, from one batch.",
    "study": (
        "Arms x rates x seeds, recipe and data: the whole comparison, described by "
        "study.toml and kept in one folder."
    ),
    "surface": "Short for loss surface.",
    "sweep": (
        "A study that is trained at several values of a setting, such as the batch "
        "size."
    ),
    "twins": (
        "The arms of one seed and rate: tensors that they share are equal at step 0, "
        "and they see the same batches in the same order."
    ),
    "verdict": (
        "What follows for a claim: supported, contradicted, mixed, no difference, or "
        "open for a reason that is named."
    ),
    "weight decay": "Pulls weights towards 0 at every step, by a share of their size.",
}
"""Word to meaning, in the order of the alphabet."""
