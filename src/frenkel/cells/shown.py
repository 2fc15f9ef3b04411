"""What a notebook shows of a card."""

from typing import Any

from .. import notebook


def html(card: Any) -> str:
    """Return the features and the validation of a card as tables."""
    mean = card.weights @ card.means
    middle = [float(feature.backward(mean[k : k + 1])[0]) for k, feature in enumerate(card.features)]
    features = [
        (feature.name, f"{value:.4g} {feature.unit}", f"{feature.missing:.1%}")
        for feature, value in zip(card.features, middle, strict=True)
    ]
    gate = [
        (
            str(row["statistic"]),
            f"{row['value']:.3g}",
            f"{row['limit']:.3g}",
            {True: "yes", False: "NO", None: "cannot be judged"}[row["passed"]],
        )
        for row in card.gate
    ]
    return notebook.page(
        f"Card {card.name}",
        card.version,
        notebook.table(("feature", "mean device", "missing"), features),
        notebook.table(("gate", "value", "limit", "passed"), gate) if gate else "",
    )
