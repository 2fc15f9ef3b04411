"""Sections and keys of a material file: what each number is, its unit and the values it may have."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

FAMILIES = {
    "vcm": "valence change: oxygen vacancies make and break a filament",
    "ecm": "electrochemical metallisation: metal ions from an active electrode make and break a filament",
    "fcm": "filament conductivity change: a continuous filament of changing stoichiometry",
    "interfacial": "interfacial barrier change: resistance in inverse proportion to the area",
    "2d": "atomristor: single sites of a sheet of one or a few layers",
    "organic": "ions and metal in a polymer",
    "perovskite": "halide perovskite: halide ions and metal together",
}
"""Families of the review, and what sets each apart."""

MECHANISMS: dict[str, tuple[str, ...]] = {
    "vacancy hop": ("vacancy",),
    "oxygen exchange": ("exchange", "vacancy"),
    "oxygen loss": ("oxygen_loss", "exchange", "vacancy"),
    "cation hop": ("cation",),
    "redox": ("redox", "cation"),
    "interstitial hop": ("interstitial",),
    "Frenkel pair": ("frenkel_pair", "vacancy", "interstitial"),
    "Frenkel pair, one electron": ("frenkel_pair", "vacancy", "interstitial"),
    "Frenkel pair, two electrons": ("frenkel_pair", "vacancy", "interstitial"),
    "interstitial exchange": ("interstitial_exchange", "interstitial"),
    "electron capture": ("trap",),
    "electron capture, filament": ("trap",),
    "trap relaxation": ("trap",),
    "vacancy electron capture": ("charge_states", "vacancy"),
}
"""Each mechanism a material can switch on, and the sections that hold its numbers."""


def quantity(
    unit: str, low: float, high: float, meaning: str, *, default: float | None = None, optional: bool = False
) -> Any:
    """Declare one key of a section.

    Parameters
    ----------
    unit : str
        Unit of the value in memory, as pint reads it ("1" for a pure number).
    low, high : float
        Allowed values, in ``unit``, ends included. They catch slips, not physics.
    meaning : str
        One line for the table and for errors.
    default : float, optional
        Value when the file leaves the key out; it must mean "this effect is absent". None: required.
    optional : bool
        Whether it may be None, and is where the file leaves it out.
    """
    metadata = {"unit": unit, "low": low, "high": high, "meaning": meaning}
    if default is None and not optional:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def check_quantities(owner: Any, words: str) -> None:
    """Raise ValueError unless the numbers that an object has lie within what `quantity` declares of them.

    Parameters
    ----------
    owner : object
        A dataclass; what has no declaration, or is None, is not looked at.
    words : str
        What it is, for errors.
    """
    from ...checks import between  # which needs NumPy, that reading of numbers alone should not

    for entry in fields(owner):
        number, declared = getattr(owner, entry.name), entry.metadata
        if declared and number is not None:
            unit = "" if declared["unit"] == "1" else declared["unit"]
            between(f"{entry.name} of {words}", number, declared["low"], declared["high"], unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeNumbers:
    """Geometry of the oxygen sublattice."""

    spacing: float = quantity("m", 1e-10, 1e-9, "distance of neighbouring oxygen sites")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectNumbers:
    """The defect that conducts in clusters, an oxygen vacancy or a metal atom: hop, charge, interaction.

    Isolated it carries its charge; beside another one or at an electrode it is neutral, part of the network.
    """

    charge: int = quantity("1", -4, 4, "charge number of an isolated one")
    migration_barrier: float = quantity("eV", 0.0, 10.0, "barrier of the hop at zero driving energy")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency of the hop")
    heat_of_transport: float = quantity("eV", -5.0, 5.0, "heat of transport of the hop", default=0.0)
    binding_energy: float = quantity(
        "eV", 0.0, 2.0, "energy gained per pair of neighbours (positive attracts)", default=0.0
    )
    crowding_barrier: float = quantity("eV", 0.0, 5.0, "extra barrier of a hop inside a cluster", default=0.0)
    crowding_count: int = quantity("1", 1, 26, "neighbours at which the extra barrier is whole", default=2)
    crowding_start: int = quantity("1", 0, 25, "neighbours that add nothing to the barrier", default=0)
    crowding_electrode: int = quantity(
        "1", 0, 26, "neighbours that the electrode beside a site stands for", default=0
    )
    crowding_shells: int = quantity(
        "1", 1, 2, "neighbours that count: 1 the 6 nearest, 2 the 18 within sqrt 2 spacings", default=1
    )
    edge_share: float = quantity(
        "1", 0.0, 1.0, "fraction of the extra barrier of a hop between a cluster and the open", default=0.0
    )
    bound_share: float = quantity(
        "1", 0.0, 1.0, "fraction of the charge that the bias moves within company", default=1.0
    )
    fraction: float = quantity(
        "1", 0.0, 1.0, "fraction of the host sites that hold one at the start, weak or not", default=0.0
    )
    adsorption_energy: float = quantity(
        "eV", 0.0, 5.0, "energy gained in the layer next to the bottom electrode", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeNumbers:
    """Oxygen passes between an oxide site and the reactive top electrode; forward makes a vacancy.

    Without a depth only sites at the face exchange, and both directions share the energy of the event by the
    sinusoidal law. With one, weak sites below the face exchange too: oxygen leaves over ``E(F)``, with the
    field F over the bond to the site above, and is in the electrode at once; the way back has the barrier
    ``E(F)`` less all of the energy. E(F) is ``E - p F`` down to the floor, or with a power n above 1
    ``E (1 - p F / (n E))**n`` up to the critical field n E / p, beyond which nothing is left of it.
    """

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 10.0, "energy of making a vacancy, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")
    dipole: float = quantity("e*m", 0.0, 1e-8, "bond dipole that lowers the transition state", default=0.0)
    dipole_power: float = quantity(
        "1", 1.0, 2.0, "power of the barrier under field: 1 line, 1.5 cubic, 2 cusp", default=1.0
    )
    floor: float = quantity("eV", 0.0, 10.0, "least barrier the dipole may leave (line)", default=0.0)
    inventory: int = quantity("1", 0, 10**9, "oxygen atoms the electrode holds at the start", default=0)
    depth: float = quantity("m", 0.0, 1e-6, "how far below the face weak sites exchange oxygen", default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OxygenLossNumbers:
    """Oxygen leaves its site, passes the top electrode and is lost: an exchange without a way back.

    It leaves where oxygen is exchanged, over the barrier of the exchange and its own on top, in one field.
    """

    barrier: float = quantity("eV", 0.0, 10.0, "barrier on top of that of the oxygen exchange")
    attempt_frequency: float = quantity("Hz", 1.0, 1e16, "attempt frequency")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoxNumbers:
    """Metal of the active top electrode dissolves as an ion and is deposited again (Butler-Volmer).

    One reaction: with the driving energy D of dissolution in the field, dissolving has the barrier
    ``E - alpha D`` and depositing ``E + (1 - alpha) D``: rates in the ratio exp(D/kT) at any voltage.

    Without interfaces of their own the electrodes leave to each reaction the drop over one spacing. With them
    the electrolyte and both interfaces divide the voltage by their resistances per area.

    Each metal neighbour of the site adds ``crowding_barrier / crowding_count`` to both barriers. With alpha
    times the binding energy it cancels what binding takes off the barrier of dissolving: the transition state
    has lost the bonds, and depositing takes all of them on top of its barrier.
    """

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 10.0, "energy of dissolving an atom, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")
    transfer_coefficient: float = quantity(
        "1", 0.0, 1.0, "fraction of the overpotential that lowers the barrier of dissolution", default=0.5
    )
    stress_work: float = quantity(
        "eV", 0.0, 5.0, "work of pressing an atom into the matrix, volume times stress", default=0.0
    )
    surface_binding: float = quantity(
        "1", 0.0, 1.0, "fraction of the binding energy of two atoms at the active electrode", default=0.0
    )
    crowding_barrier: float = quantity(
        "eV", 0.0, 5.0, "extra barrier, both ways, of a site among metal atoms", default=0.0
    )
    crowding_count: int = quantity("1", 1, 5, "neighbours at which the extra barrier is whole", default=5)
    inventory: int = quantity("1", 0, 10**9, "metal atoms the electrode holds at the start", default=0)
    active_interface: float = quantity(
        "S/m^2", 0.0, 1e18, "conductance per area of the active interface (0: no drop)", default=0.0
    )
    counter_interface: float = quantity(
        "S/m^2", 0.0, 1e18, "the same of the interface with the counter electrode", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InterstitialNumbers:
    """Mobile ion between the host sites (an oxygen interstitial, a halide ion): charge and hop."""

    charge: int = quantity("1", -4, 4, "charge number of an interstitial")
    migration_barrier: float = quantity("eV", 0.0, 10.0, "barrier of the hop at zero driving energy")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency of the hop")
    fraction: float = quantity("1", 0.0, 1.0, "fraction of these sites filled at the start", default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightNumbers:
    """What light does to the hop of the mobile ion: its rate, forward and reverse alike, gets a factor.

    With a photon flux P the factor is ``1 + (factor - 1) (P / flux)**power``. Energies stay, so that light
    shifts no equilibrium and does no work; what drives ions out of equilibrium under light is left out.
    """

    factor: float = quantity("1", 1.0, 1e6, "factor on the rate of the hop at the reference flux")
    flux: float = quantity("1/(m^2*s)", 1e10, 1e26, "reference flux of absorbed photons")
    power: float = quantity("1", 0.1, 2.0, "power of the flux")

    def at(self, flux: float) -> float:
        """Return the factor at a photon flux (1/(m^2 s))."""
        return float(1.0 + (self.factor - 1.0) * (flux / self.flux) ** self.power)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrenkelPairNumbers:
    """An oxygen atom leaves its site for a neighbouring interstitial site; forward generates the pair.

    Trapped electrons may lower it: with n of them the barrier is ``barrier_n + n trapping_energy``, the
    second part being what it costs to trap them, exact while that is well above kT.
    """

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 20.0, "energy of the pair, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")
    dipole: float = quantity("e*m", 0.0, 1e-8, "bond dipole that lowers the transition state", default=0.0)
    floor: float = quantity("eV", 0.0, 10.0, "least barrier the dipole may leave", default=0.0)
    barrier_one: float = quantity("eV", 0.0, 10.0, "barrier with one trapped electron", default=0.0)
    barrier_two: float = quantity("eV", 0.0, 10.0, "barrier with two trapped electrons", default=0.0)
    trapping_energy: float = quantity(
        "eV", 0.0, 5.0, "energy of trapping an electron from the Fermi level", default=0.0
    )
    trapped_lowering: float = quantity(
        "eV", 0.0, 5.0, "what each of up to two filled traps beside the oxygen takes off barrier", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InterstitialExchangeNumbers:
    """An interstitial passes into the electrode it touches; forward leaves the oxide."""

    barrier: float = quantity("eV", 0.0, 10.0, "barrier shared by both directions")
    energy: float = quantity("eV", -10.0, 10.0, "energy of leaving the oxide, without fields and neighbours")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakNumbers:
    """What is easier on weak sites, and the first defects there."""

    migration_shift: float = quantity("eV", 0.0, 5.0, "extra hop barrier outside the weak sites")
    exchange_shift: float = quantity("eV", 0.0, 5.0, "extra exchange or redox barrier outside of them")
    vacancy_fraction: float = quantity("1", 0.0, 1.0, "fraction of them that hold a defect at the start")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNumbers(WeakNumbers):
    """Weak column through the oxide (a grain boundary): easier hops and exchange, and the first vacancies."""

    radius: float = quantity("m", 1e-10, 1e-6, "radius of the column, at the bottom electrode")
    top_radius: float = quantity(
        "m", 0.0, 1e-6, "radius at the top electrode (0: as at the bottom)", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotsNumbers(WeakNumbers):
    """Weak columns at random places of the electrode area, each with its own shift of the exchange barrier.

    Their number in a device is Poisson's, with the mean density times area; a device may have none.
    """

    density: float = quantity("1/m^2", 0.0, 1e20, "weak columns per area of the electrode")
    radius: float = quantity("m", 1e-10, 1e-6, "radius of each")
    exchange_spread: float = quantity(
        "eV", 0.0, 2.0, "standard deviation of the exchange or redox barrier between them", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolycrystalNumbers(WeakNumbers):
    """Columnar Voronoi grains; their boundaries are the weak sites."""

    grain_size: float = quantity("m", 5e-10, 1e-6, "side of a square of a grain's mean area")
    boundary_width: float = quantity("m", 1e-10, 1e-8, "width of a boundary")


@dataclass(frozen=True, slots=True, kw_only=True)
class SitesNumbers(WeakNumbers):
    """Single weak sites at random, such as the sulphur vacancies of a sheet."""

    fraction: float = quantity("1", 0.0, 1.0, "fraction of the host sites that are weak")
    exchange_spread: float = quantity(
        "eV", 0.0, 2.0, "standard deviation of the exchange or redox barrier between them", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneNumbers:
    """A plane that ions pass only through its pores (graphene)."""

    height: float = quantity("m", 1e-10, 1e-6, "height of the plane's layer above the bottom electrode")
    pore_fraction: float = quantity("1", 0.0, 1.0, "fraction of the plane's sites that are pores")
    pore_radius: float = quantity("m", 0.0, 1e-7, "radius of the pores; 0: single sites", default=0.0)
    migration_shift: float = quantity("eV", 0.0, 20.0, "extra barrier of a hop onto or off a blocked site")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapNumbers:
    """Reactive cap: the uppermost layers, poor in oxygen, in which vacancies move more easily."""

    thickness: float = quantity("m", 1e-10, 1e-6, "thickness of the cap, part of the whole thickness")
    migration_shift: float = quantity("eV", -5.0, 5.0, "change of the hop barrier in the cap", default=0.0)
    vacancy_fraction: float = quantity("1", 0.0, 1.0, "fraction of the sites of the cap vacant at the start")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisorderNumbers:
    """Standard deviations of what is random from site to site in an amorphous oxide."""

    site_energy: float = quantity("eV", 0.0, 2.0, "standard deviation of the vacancy energy per site")
    barrier: float = quantity("eV", 0.0, 2.0, "standard deviation of the hop barrier per site")
    barrier_factor: float = quantity(
        "1",
        0.0,
        3.0,
        "standard deviation of the logarithm of a site's factor, 1 in the mean, on the hop barrier",
        default=0.0,
    )
    correlation_length: float = quantity("m", 0.0, 1e-7, "length over which they are alike", default=0.0)
    bond: float = quantity(
        "1", 0.0, 3.0, "standard deviation of the logarithm of a site's factor on its bonds", default=0.0
    )
    metallic_share: float = quantity(
        "1", 0.0, 1.0, "fraction of that logarithm within metal, where atoms touch", default=1.0
    )
    relaxation_rate: float = quantity(
        "Hz",
        0.0,
        1e14,
        "rate at which a site where a defect came or went, and its neighbours, draw their bonds again",
        default=0.0,
    )
    quenched_share: float = quantity(
        "1", 0.0, 1.0, "fraction of the variance of ln(factor of a bond) that is kept for life", default=0.0
    )
    memory: float = quantity(
        "1", 0.0, 0.999999, "fraction of the rest that a relaxation leaves as it was", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoLevelNumbers:
    """Two-level sites at random places: they switch over barriers and change the bonds around them.

    The barrier of a site is uniform between two numbers, the energy of its upper state uniform between minus
    and plus the asymmetry.
    """

    density: float = quantity("1/m^3", 0.0, 1e29, "sites per volume, placed at random")
    barrier_low: float = quantity("eV", 0.0, 5.0, "lowest barrier between the two states")
    barrier_high: float = quantity("eV", 0.0, 5.0, "highest barrier between the two states")
    asymmetry: float = quantity("eV", 0.0, 5.0, "largest difference of the energies of the two states")
    attempt_frequency: float = quantity("Hz", 1e9, 1e16, "attempt frequency of both directions")
    effect: float = quantity(
        "1", 0.0, 3.0, "what the upper state adds to ln(factor) of each host site within reach"
    )
    reach: float = quantity("m", 0.0, 1e-8, "distance up to which host sites are changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectronNumbers:
    """How a trap or a vacancy exchanges electrons with an electrode."""

    relaxation_energy: float = quantity(
        "eV", 0.0, 10.0, "relaxation energy of the lattice around it, classical", default=0.0
    )
    huang_rhys: float = quantity("1", 0.0, 500.0, "Huang-Rhys factor S, in its place", default=0.0)
    phonon_energy: float = quantity("eV", 0.0, 0.5, "energy of the phonon that S counts", default=0.0)
    attempt_frequency: float = quantity("Hz", 1.0, 1e16, "attempt frequency at the electrode")
    decay_length: float = quantity("m", 1e-11, 1e-8, "decay length of the electron, exp(-2 d / it)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrapNumbers(ElectronNumbers):
    """Electron traps between the host sites; their charge acts on ions and on the bonds nearby.

    Capture and emission are one non-radiative multiphonon transition with either electrode or the filament:
    classical (Marcus) with `relaxation_energy`, of Huang and Rhys with `huang_rhys` and `phonon_energy`. With
    "trap relaxation" a trap has four states, and the electron passes to or from a metastable one.
    """

    density: float = quantity("1/m^3", 0.0, 1e29, "traps per volume, placed at random")
    level: float = quantity("eV", -5.0, 5.0, "mean level above the Fermi level of the electrodes at 0 V")
    level_spread: float = quantity("eV", 0.0, 2.0, "standard deviation of the level", default=0.0)
    charge: int = quantity("1", 0, 1, "charge number of an empty trap", default=0)
    screening_length: float = quantity("m", 1e-11, 1e-8, "screening of the trap's charge at the bonds nearby")
    metallic_share: float = quantity(
        "1", 0.0, 1.0, "fraction of its effect on a gap that its charge has within a filament", default=1.0
    )
    metastable_energy: float = quantity(
        "eV", -2.0, 5.0, "energy of a metastable state above its stable one", default=0.0
    )
    metastable_barrier: float = quantity("eV", 0.0, 5.0, "barrier between both", default=0.0)
    defect_shift: float = quantity(
        "eV",
        -5.0,
        5.0,
        "what each defect next to a trap takes off its level: a trap that comes with the defect",
        default=0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeStatesNumbers(ElectronNumbers):
    """An isolated vacancy catches one or two electrons from the electrodes and hops more or less easily then.

    The law of capture and emission is that of a trap. A clustered vacancy without electrons of its own is
    part of the network, as ever; one with electrons is not.
    """

    level_one: float = quantity("eV", -5.0, 5.0, "level of the first electron above the Fermi level at 0 V")
    level_two: float = quantity("eV", -5.0, 5.0, "the same of the second electron")
    migration_barrier_one: float = quantity("eV", 0.0, 10.0, "barrier of the hop with one electron")
    migration_barrier_two: float = quantity("eV", 0.0, 10.0, "barrier of the hop with two electrons")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectrostaticsNumbers:
    """Space charge of isolated defects."""

    permittivity: float = quantity("1", 1.0, 1000.0, "relative permittivity of the oxide")
    charge_transition: float = quantity(
        "eV", -10.0, 10.0, "energy of an isolated, charged vacancy relative to a neutral one in the network"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BondNumbers:
    """Bonds between two kinds of defects: g = prefactor exp(-2 (r - spacing) / decay_length).

    These are slopes at 0 V. Which laws bend the bonds of a class, and how, is in `conduction.classes`.
    """

    prefactor: float = quantity("S", 1e-15, 1.0, "conductance of a bond between neighbouring defects")
    decay_length: float = quantity("m", 1e-12, 1e-8, "decay length of the hopping conductance")
    tunnel_factor: float = quantity("1", 0.0, 1.0, "factor of bonds longer than sqrt(2) spacings")
    activation: float = quantity(
        "eV", 0.0, 2.0, "activation energy of bonds and contacts, whose numbers hold at 300 K", default=0.0
    )
    gap_reorganisation: float = quantity(
        "eV", 0.0, 10.0, "reorganisation energy of a hop over a gap (0: gaps are ohmic)", default=0.0
    )
    gap_hops: int = quantity("1", 1, 10, "hops in series over a gap, which share its voltage", default=1)
    gap_hop_length: float = quantity(
        "m", 0.0, 1e-8, "length of a hop over a gap, which sets their number (0: gap_hops)", default=0.0
    )
    gap_phonon: float = quantity(
        "eV", 0.0, 1.0, "energy of the phonon that takes up the reorganisation (0: classical)", default=0.0
    )
    gap_barrier: float = quantity(
        "eV", 0.0, 10.0, "barrier of elastic tunnelling over a gap, beside the hops (0: none)", default=0.0
    )
    gap_mass: float = quantity("1", 0.01, 10.0, "effective mass of an electron that tunnels so", default=1.0)
    gap_channels: float = quantity("1", 0.01, 100.0, "channels that it has through a bond", default=1.0)
    gap_touch: float = quantity(
        "m", 0.0, 1e-9, "distance of two atoms that touch, which is no part of the barrier", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNumbers(BondNumbers):
    """Bonds between defects of one kind, and their contacts with the electrodes."""

    contact_bottom: float = quantity("S", 1e-15, 1.0, "conductance of a contact bond to the bottom electrode")
    contact_top: float = quantity("S", 1e-15, 1.0, "conductance of a contact bond to the top electrode")
    contact_top_factor: float = quantity(
        "1", 0.0, 1.0, "factor of its contact bonds beyond the first layer; 1: a reactive metal", default=1.0
    )
    contact_bottom_barrier: float = quantity(
        "eV", 0.0, 10.0, "barrier between bottom electrode and first layer (0: ohmic)", default=0.0
    )
    contact_top_barrier: float = quantity(
        "eV", 0.0, 10.0, "the same between the last layer and the top electrode", default=0.0
    )
    contact_mass: float = quantity("1", 0.01, 10.0, "effective mass in the barrier of a contact", default=1.0)
    contact_share: float = quantity(
        "1", 0.0, 1.0, "fraction of a contact's voltage between electrode and top of the barrier", default=0.5
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConductionNumbers(ContactNumbers):
    """The conduction network: bonds and contacts of the defect that conducts, and the bare oxide.

    With two kinds of defects they are those of the vacancies; `CationBondNumbers` and `MixedBondNumbers` are
    the two other classes of bonds, of which ``cutoff``, ``contact_shadow`` and ``background`` hold as well.
    """

    cutoff: float = quantity("m", 1e-10, 1e-7, "longest bond")
    contact_shadow: float = quantity(
        "m", 1e-10, 1e-7, "largest distance of a defect that hides the contact of another", default=1e-7
    )
    background: float = quantity("S", 1e-20, 1e-3, "conductance of each lattice bond of the bare oxide")
    empty_site: float = quantity(
        "S",
        0.0,
        1e-3,
        "median conductance of an empty weak site between the electrodes of one layer",
        default=0.0,
    )
    empty_activation: float = quantity(
        "eV", 0.0, 2.0, "activation energy of it, whose median holds at 300 K", default=0.0
    )
    empty_spread: float = quantity(
        "eV",
        0.0,
        2.0,
        "standard deviation of that energy between sites, by the factors of bonds",
        default=0.0,
    )
    background_activation: float = quantity(
        "eV", 0.0, 2.0, "its activation energy, and that of interfaces of electrodes", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CationBondNumbers(ContactNumbers):
    """Bonds and contacts of the cations of a material that has both vacancies and cations that conduct."""

    charge_transition: float = quantity(
        "eV", -10.0, 10.0, "energy of an isolated, charged cation relative to a neutral one in the network"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedBondNumbers(BondNumbers):
    """Bonds between a vacancy and a cation, and what holds two neighbours together."""

    binding_energy: float = quantity(
        "eV", -2.0, 2.0, "energy gained per vacancy next to a cation (positive attracts)", default=0.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportNumbers:
    """What the conduction laws of the bulk film and its contacts need; a number left out drops its law."""

    barrier: float = quantity("eV", 0.05, 10.0, "barrier between the electrode's Fermi level and the band")
    mass: float = quantity("1", 0.01, 10.0, "effective mass of the tunnelling electron")
    optical_permittivity: float = quantity("1", 1.0, 1000.0, "relative permittivity of the image force")
    donor_density: float = quantity("1/m^3", 0.0, 1e29, "donors at the contact", default=0.0)
    fermi_depth: float = quantity("eV", 0.0, 10.0, "Fermi level below the band in the bulk", default=0.0)
    trap_depth: float = quantity("eV", 0.0, 10.0, "depth of the traps below the band", default=0.0)
    trap_spacing: float = quantity("m", 0.0, 1e-6, "distance of neighbouring traps", default=0.0)
    mobility: float = quantity("m^2/(V*s)", 0.0, 1.0, "mobility in the band", default=0.0)
    hop_barrier: float = quantity("eV", 0.0, 5.0, "activation energy of the hop between traps", default=0.0)
    hop_frequency: float = quantity("Hz", 0.0, 1e16, "attempt frequency of the hop", default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceNumbers:
    """Independent columns with a Schottky contact at the top electrode, in place of the network."""

    barrier: float = quantity("eV", 0.0, 5.0, "height of the contact's barrier without defects near it")
    barrier_step: float = quantity(
        "eV", -1.0, 1.0, "what a defect next to the contact takes off the barrier (negative: adds)"
    )
    layers: int = quantity("1", 1, 100, "uppermost layers whose defects change the height")
    carrier: int = quantity("1", -1, 1, "charge of the carriers: -1 electrons, 1 holes")
    richardson: float = quantity("A/(m^2*K^2)", 1.0, 1e8, "effective Richardson constant")
    ideality: float = quantity(
        "1", 1.0, 100.0, "contact's voltage over the part on its barrier, rest on an interlayer", default=1.0
    )
    built_in_voltage: float = quantity("V", 1e-3, 5.0, "band bending of the contact at 0 V")
    doping: float = quantity("1/m^3", 0.0, 1e29, "charge density of the zone without defects", default=0.0)
    donor_charge: float = quantity(
        "1", -4.0, 4.0, "charge (e) that a defect adds to the zone of its own column", default=0.0
    )
    tunnelling_mass: float = quantity("1", 1e-3, 1e6, "effective mass in the barrier, electron masses")
    permittivity: float = quantity("1", 1.0, 1000.0, "relative permittivity of the depletion zone")
    image_permittivity: float = quantity("1", 1.0, 1e9, "relative permittivity of the image force (optical)")
    conductivity: float = quantity("S/m", 1e-12, 1e8, "conductivity of the film in series")
    metallic_count: int = quantity("1", 0, 4096, "defects that make a column metallic (0: never)", default=0)
    metallic_conductance: float = quantity("S", 0.0, 1.0, "conductance of such a column", default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatNumbers:
    """Steady heat flow in the oxide and along the conducting bonds.

    Of the power u i of a hop over a gap the atoms at its ends get ``gap_share``, half each. The carrier takes the
    rest along to the positive electrode (for a hop into a metal: doi:10.1038/nature12183, dissipation in atomic
    junctions is in the electrodes). A carrier that relaxes at each of n - 1 states within the gap, and not where
    it ends, leaves (n - 1) / n of its energy in the oxide, whatever the voltage; one that passes without leaves
    nothing. So the fraction does not depend on u while u / n is below the reorganisation energy over e, and no
    level within the gap is passed over.

    Capacity and melting point change no event: they tell how fast heat settles, and which temperatures are
    beyond the model.
    """

    conductivity: float = quantity("W/(m*K)", 1e-3, 1e4, "thermal conductivity of the oxide")
    lorenz: float = quantity("W*ohm/K^2", 0.0, 1e-6, "Lorenz number of the conducting bonds", default=0.0)
    lorenz_temperature: float = quantity(
        "K", 1.0, 5000.0, "temperature at which bonds are given their thermal conductance", default=600.0
    )
    ballistic_factor: float = quantity(
        "1", 0.1, 100.0, "factor on the conductivity for carriers that cool beyond the gap", default=1.0
    )
    gap_share: float = quantity(
        "1",
        0.0,
        1.0,
        "fraction of the power of a gap hop that heats the oxide; the positive electrode gets the rest",
        default=1.0,
    )
    capacity: float = quantity(
        "J/(m^3*K)", 0.0, 1e8, "heat capacity of the oxide (0: not known)", default=0.0
    )
    melting_point: float = quantity(
        "K", 0.0, 5000.0, "where oxide or filament melts, or decomposes (0: not known)", default=0.0
    )


class Sections:
    """Every section a material file may have; only ``lattice`` is required."""

    lattice: LatticeNumbers
    vacancy: DefectNumbers
    cation: DefectNumbers
    exchange: ExchangeNumbers
    oxygen_loss: OxygenLossNumbers
    redox: RedoxNumbers
    interstitial: InterstitialNumbers
    light: LightNumbers
    frenkel_pair: FrenkelPairNumbers
    interstitial_exchange: InterstitialExchangeNumbers
    column: ColumnNumbers
    spots: SpotsNumbers
    polycrystal: PolycrystalNumbers
    sites: SitesNumbers
    plane: PlaneNumbers
    cap: CapNumbers
    disorder: DisorderNumbers
    two_level: TwoLevelNumbers
    trap: TrapNumbers
    charge_states: ChargeStatesNumbers
    electrostatics: ElectrostaticsNumbers
    conduction: ConductionNumbers
    cation_bonds: CationBondNumbers
    mixed_bonds: MixedBondNumbers
    transport: TransportNumbers
    interface: InterfaceNumbers
    heat: HeatNumbers


SECTIONS: dict[str, type[Any]] = get_type_hints(Sections)
"""The class of each section by its name."""

WEAK = ("column", "spots", "polycrystal", "sites")
"""Sections that say where the weak sites are; a material has at most one of them."""

DEFECTS = ("vacancy", "cation")
"""Sections of the kinds of defects that conduct; a material with both has the sections of `BONDS` too."""

BONDS = ("cation_bonds", "mixed_bonds")
"""Sections of the classes of bonds besides that between vacancies."""
