//! A deterministic fault-injection simulator for distributed locks.

// Alone: whoever meets it has just begun, and should have nothing else to read. So each module asks for the cfg, and in
// Cargo.toml each dependency does.
#[cfg(not(madsim))]
compile_error!(include_str!("without_madsim.txt"));

#[cfg(madsim)]
pub mod claim;
#[cfg(madsim)]
pub mod compare;
#[cfg(madsim)]
pub mod counterfactual;
#[cfg(madsim)]
pub mod determinism;
#[cfg(madsim)]
pub mod exhaust;
#[cfg(madsim)]
pub mod gallery;
#[cfg(madsim)]
pub mod hunt;
#[cfg(madsim)]
pub mod judge;
#[cfg(madsim)]
pub mod lessons;
#[cfg(madsim)]
pub mod likelihood;
#[cfg(madsim)]
pub mod own;
#[cfg(madsim)]
pub mod report;
#[cfg(madsim)]
pub mod scenario;
#[cfg(madsim)]
pub mod seeds;
#[cfg(madsim)]
pub mod serve;
#[cfg(madsim)]
pub mod shrink;
#[cfg(madsim)]
pub mod story;
#[cfg(madsim)]
mod web;
#[cfg(madsim)]
pub mod world;
#[cfg(madsim)]
mod znodes;
