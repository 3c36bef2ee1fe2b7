//! A deterministic fault-injection simulator for distributed locks.

#[cfg(not(madsim))]
compile_error!(
    "fencepost needs `--cfg madsim`: put `rustflags = [\"--cfg\", \"madsim\"]` under `[build]` in \
     .cargo/config.toml; a RUSTFLAGS variable overrides that file, so add `--cfg madsim` to it too"
);

pub mod claim;
pub mod compare;
pub mod counterfactual;
pub mod determinism;
pub mod exhaust;
pub mod gallery;
pub mod hunt;
pub mod judge;
pub mod lessons;
pub mod likelihood;
pub mod own;
pub mod report;
pub mod scenario;
pub mod seeds;
pub mod serve;
pub mod shrink;
pub mod story;
mod web;
pub mod world;
mod znodes;
