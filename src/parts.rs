//! The parts that a build can be without, to be small, and what is said where one is asked for and is not there.
//!
//! What belongs to a part is a module that is built with it (`#[cfg(feature = "…")]`). Where the others call into it, a stand-in
//! says [`Part::needed`]; what is never reached without it has none.

/// A feature of Cargo.toml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The simulated VM, which `demo` and `simulate` play.
    Simulator,
    /// Pages for browsers.
    Html,
    /// Archives for support, written and read. They hold a page, so they come with [`Part::Html`].
    Archives,
}

impl Part {
    /// Has this build got it?
    pub const fn is_here(self) -> bool {
        match self {
            Self::Simulator => cfg!(feature = "simulator"),
            Self::Html => cfg!(feature = "html"),
            Self::Archives => cfg!(feature = "archives"),
        }
    }

    /// Why `what`, as it is typed, does nothing in a build without it.
    pub fn needed(self, what: &str) -> String {
        let name = match self {
            Self::Simulator => "the simulator",
            Self::Html => "HTML",
            Self::Archives => "archives",
        };
        format!("this build of midoctor is without {name}; the full build has {what}")
    }
}

/// A format that may be of a part which a build can be without.
pub trait OfPart: Copy + PartialEq {
    /// The part; most are of none.
    fn part(self) -> Option<Part> {
        None
    }
}
