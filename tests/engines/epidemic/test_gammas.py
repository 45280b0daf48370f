"""Quantiles of very many gammas."""

import numpy as np
import pytest
from scipy import optimize, special

from epipolis.engines.epidemic import LEVELS
from epipolis.engines.epidemic.gammas import gamma_quantiles, mixture_quantiles


def test_quantiles_equal_the_inverse_for_every_shape_and_level():
    shapes = np.concatenate([np.exp(np.random.default_rng(1).uniform(np.log(0.05), np.log(1e8), 3_000)), [0.5, 1, 2, 1e10]])
    levels = np.concatenate([LEVELS, [1e-4, 0.999_9]])
    found = gamma_quantiles(shapes, np.full_like(shapes, 2.5), levels)
    expected = special.gammaincinv(shapes[:, None], levels) * 2.5
    assert np.abs(found / np.maximum(expected, 1e-300) - 1)[expected > 1e-250].max() < 1e-11


def test_quantiles_keep_the_form_of_the_shapes():
    assert gamma_quantiles(np.ones((2, 3)), np.ones((2, 3)), [0.1, 0.5]).shape == (2, 3, 2)


@pytest.mark.parametrize("levels", [[0.0], [1.0], [0.5, 1.2]])
def test_a_level_outside_0_to_1_is_refused(levels):
    with pytest.raises(ValueError, match="between 0 and 1"):
        gamma_quantiles(np.ones(1), np.ones(1), levels)


def test_a_mixture_has_the_quantiles_at_which_its_distribution_has_the_level():
    rng = np.random.default_rng(2)
    shape, scale = np.array([1.0, 8.0, 4_000.0]), rng.gamma(9, 0.02, (50, 3))
    found = mixture_quantiles(shape, scale, [0.025, 0.5, 0.99])
    for row in range(3):
        for number, level in enumerate((0.025, 0.5, 0.99)):

            def miss(value, row=row, level=level):
                return special.gammainc(shape[row], value / scale[:, row]).mean() - level

            exact = optimize.brentq(miss, 1e-6, 1e5, xtol=1e-13, rtol=1e-13)
            assert found[row, number] == pytest.approx(exact, rel=1e-9)
