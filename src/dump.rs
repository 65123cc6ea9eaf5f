//! No core dump of this process: it would hold tokens. What cannot be forbidden on a platform is left as it is.

/// Forbids core dumps to this process. On Linux it is marked as not dumpable, which also keeps its memory from a handler that
/// `core_pattern` names (such a pipe does not ask for the limit) and from other processes of its user; on every Unix the limit is set
/// to nothing, which the programs it runs inherit. On Windows error reporting is the machine's to configure; it keeps
/// dumps only where its registry says so (`LocalDumps`).
pub fn forbid() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // To lower a limit is allowed to everybody; where it is not, there is nothing to be done.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
