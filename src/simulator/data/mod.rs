//! Azure's data services, as far as a client with a token sees them.
use crate::simulator::azure::{Azure, Call, Reaction};
pub(super) fn answer(_azure: &Azure, _call: &Call<'_>) -> Reaction {
    Reaction::Drop
}
