//! What Azure's names and answers mean: clouds, resource IDs, the metadata service, Azure Resource Manager, permissions.
//!
//! Reading only: nothing here asks anything, and nothing decides whether a VM is healthy; the checks do.

pub mod arm;
pub mod cloud;
pub mod denial;
pub mod metadata;
pub mod pattern;
pub mod permissions;
pub mod proxy_agent;
pub mod resource_id;
pub mod roles;
pub mod service;
