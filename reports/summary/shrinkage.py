"""Small groups drawn towards the mean: what is left of their deviations when chance is taken out.

On x_i minus the mean of the speaker's class. Random effects by moments (DerSimonian and Laird 1986, Controlled Clinical
Trials 7, 177-188): sigma^2 pooled within groups, v_g = sigma^2 / n_g, a = 1 / v_g,
tau^2 = max(0, (Q - (k - 1)) / (sum a - sum a^2 / sum a)), and mu + tau^2 / (tau^2 + v_g) (m_g - mu). Without intervals
and without ranks.
"""

from __future__ import annotations

import numpy as np

from reports.run_directory.run import Task
from reports.summary.groups import IS_THE_TASK, Members
from reports.terms import NOT_STATED, Json

NO_VARIATION = "no variation between groups detectable"

_NEGLIGIBLE = 1e-12  # of squared shares: what rounding leaves of speakers who are all alike


def shrinkage(members: Members, task: Task) -> Json:
    """Return ``groups.<group>`` with ``deviation`` and ``shrunken``, ``tau``, ``mean`` and ``why_not``."""
    speakers = members.speakers[members.speakers["group"] != NOT_STATED]
    if members.is_task:
        return _nothing(IS_THE_TASK)
    if speakers["group"].nunique() < 2 or len(speakers) <= speakers["group"].nunique():
        return _nothing("fewer than two groups, or no group of two speakers")
    everyone = members.speakers.drop_duplicates("speaker")
    of_class = everyone.groupby("stratum")["score"].mean()
    mean = speakers["stratum"].map(of_class) if task.per_speaker else everyone["score"].mean()
    deviations = (speakers["score"] - mean).groupby(speakers["group"], sort=True)
    return shrink({str(group): values.to_numpy(dtype=np.float64) for group, values in deviations})


def shrink(groups: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> Json:
    """Return the shrunken means of `groups`, each with the deviations of its speakers."""
    sizes = np.array([len(values) for values in groups.values()])
    means = np.array([values.mean() for values in groups.values()])
    within = sum(((values - values.mean()) ** 2).sum() for values in groups.values())
    variance = within / (sizes.sum() - len(sizes))
    if variance <= _NEGLIGIBLE:
        return _nothing("no variation between the speakers of a group")
    a = sizes / variance
    mu = float((a * means).sum() / a.sum())
    q = (a * (means - mu) ** 2).sum()
    tau2 = max(0.0, float((q - (len(sizes) - 1)) / (a.sum() - (a**2).sum() / a.sum())))
    shrunken = mu + tau2 / (tau2 + variance / sizes) * (means - mu)
    return {
        "groups": {
            group: {"deviation": float(raw), "shrunken": float(drawn)}
            for group, raw, drawn in zip(groups, means, shrunken, strict=True)
        },
        "tau": float(np.sqrt(tau2)),
        "mean": mu,
        "why_not": None if tau2 > 0 else NO_VARIATION,
    }


def _nothing(why_not: str) -> Json:
    return {"groups": {}, "tau": None, "mean": None, "why_not": why_not}
