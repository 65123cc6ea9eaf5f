//! To be written.

use crate::namespace::Suite;

pub fn add(_: &mut Suite) {}
