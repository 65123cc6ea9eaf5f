//! midoctor.
pub mod azure;
pub mod evidence;
pub mod plan;
pub mod simulator;
pub mod token;
