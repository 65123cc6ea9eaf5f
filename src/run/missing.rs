//! What stands for the commands of parts that this build is without: each says so, before anything is asked or written.

/// For `demo` and `simulate`.
#[cfg(not(feature = "simulator"))]
pub mod simulated {
    use crate::cli::{DemoArgs, SimulateArgs};
    use crate::exit::Exit;
    use crate::interrupt::Interruption;
    use crate::parts::Part;

    /// For `demo`.
    pub fn demo(_: &DemoArgs, _: &Interruption) -> Result<Exit, String> {
        Err(Part::Simulator.needed("midoctor demo"))
    }

    /// For `simulate`.
    pub fn simulate(_: &SimulateArgs) -> Result<Exit, String> {
        Err(Part::Simulator.needed("midoctor simulate"))
    }
}

/// For `report` and `report redact`.
#[cfg(not(feature = "archives"))]
pub mod packed {
    use crate::cli::{ReportArgs, ReportRedactArgs};
    use crate::exit::Exit;
    use crate::interrupt::Interruption;
    use crate::parts::Part;

    /// For `report`.
    pub fn examine(_: &ReportArgs, _: &Interruption) -> Result<Exit, String> {
        Err(Part::Archives.needed("midoctor report"))
    }

    /// For `report redact`.
    pub fn redact(_: &ReportRedactArgs) -> Result<Exit, String> {
        Err(Part::Archives.needed("midoctor report redact"))
    }
}
