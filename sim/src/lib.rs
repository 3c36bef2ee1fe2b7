//! A deterministic fault-injection simulator for distributed locks. It shows when two holders coexist, why, and
//! whether fencing tokens keep what the lock protects from harm.
//!
//! A [`Scenario`] has servers, a lock, buyers who use it, a shop that it protects, and what goes wrong. It is run under
//! a seed, in simulated time: a minute takes milliseconds, and the same seed gives the same run, event by event.
//! A judge reads what happened and says what was wrong with it.
//!
//! # A first run
//!
//! A buyer takes a lock for ten seconds, looks at the stock, and is then paused for fifteen, as processes are. It sells
//! what another has sold meanwhile:
//!
//! ```
//! use fencepost::judge::ViolationKind::{Oversell, TwoHolders};
//! use fencepost::report;
//! use fencepost::scenario::{Fencing, Scenario};
//!
//! let sale = Scenario::from_toml("sale.toml", r#"
//!     title = "The holder that paused"
//!     duration = "60s"
//!     backend = { kind = "redis" }
//!     lock = { recipe = "set-nx", ttl = "10s" }
//!     shop = { stock = 1, buyers = 3 }
//!
//!     [[faults]]
//!     kind = "pause"
//!     node = "buyer-1"
//!     when = { event = "stock-seen", node = "buyer-1" }
//!     for = "15s"
//! "#)?;
//! let outcome = sale.run(2)?;
//! assert!(outcome.verdict.kinds().contains(&Oversell));
//! println!("{}", report::text(&sale, &outcome)); // who believed what, and when
//!
//! // A store that checks the token of each request: two still hold the lock, and nothing is oversold.
//! let fenced = sale.but(|s| s.shop.fencing = Fencing::ReadsAndWrites);
//! let kinds = fenced.run(2)?.verdict.kinds();
//! assert!(kinds.contains(&TwoHolders) && !kinds.contains(&Oversell));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Before that: `--cfg madsim`
//!
//! The clock and the entropy of a process can only be replaced where all of its crates are compiled for it. So this
//! stands in `.cargo/config.toml`, beside your `Cargo.toml` or that of your workspace; a build without it stops
//! at once, and says what may be in its way:
//!
//! ```toml
//! [build]
//! rustflags = ["--cfg", "madsim"]
//! rustdocflags = ["--cfg", "madsim"]
//! ```
//!
//! It changes nothing for what runs outside a simulation, but for a program that is built with `madsim-tokio`: that is
//! a simulation as a whole then. Where other builds of a package should do without the cfg, fencepost is its dependency
//! under it alone, its tests begin with `#![cfg(madsim)]`, and they are run by `RUSTFLAGS="--cfg madsim" cargo test`:
//!
//! ```toml
//! [target.'cfg(madsim)'.dev-dependencies]
//! fencepost = "0.1"
//!
//! [lints.rust]
//! unexpected_cfgs = { level = "warn", check-cfg = ["cfg(madsim)"] }
//! ```
//!
//! # A claim, as a test
//!
//! One expression says how many seeds, which faults, and what must never be seen. A claim that does not hold prints its
//! seed, the timeline, the smallest scenario that goes wrong in the same way and the command that replays it, and leaves
//! a page to look at. See [`claim`].
//!
//! ```
//! use fencepost::claim::Claims as _;
//! use fencepost::judge::ViolationKind::{Oversell, TwoHolders};
//! use fencepost::scenario::FaultKind::{Delay, Pause};
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let sale = || Scenario::default().under(&[Pause, Delay], 3);
//! sale().sweep(0..200).must_find(TwoHolders);
//! sale().but(|s| (s.lock, s.backend) = (Recipe::ConditionalUpdate, None)).sweep(0..200).must_never(Oversell);
//! ```
//!
//! # Where to go from here
//!
//! | you want to | see |
//! |---|---|
//! | hold **your own lock**, server or store against the same faults | [`own`] |
//! | say what is locked, by what, who buys, how long messages take; in Rust or as TOML | [`scenario`] |
//! | say what goes wrong, and when | [`faults`] |
//! | know what the verdicts mean | [`judge`] |
//! | read a run: a timeline, **a page for a browser**, JSON, traces for other tools | [`report`], [`report::html`] |
//! | **hunt** over many seeds, on many threads, machines or days | [`hunt`] |
//! | make a run that went wrong as small as it can be | [`shrink`] |
//! | know by which mechanism it went wrong, and how often by each | [`story`] |
//! | change a setting under the same seed | [`counterfactual`] |
//! | find the moment at which a run was lost | [`likelihood`] |
//! | try not some faults, but every one | [`exhaust`] |
//! | see all locks side by side, under each kind of fault | [`compare`] |
//! | learn what there is to know, from the race to consensus | [`lessons`], [`gallery`] |
//! | **serve** the models behind real sockets, to programs in any language | [`mod@serve`] |
//! | simulate something else than a shop | [`world`] |
//! | read the servers and recipes themselves | [`models`] |
//!
//! The command `fencepost` does the same from a shell: `fencepost --help`.
//!
//! [`Scenario`]: scenario::Scenario

// Alone: whoever meets it has just begun, and should have nothing else to read. So each module asks for the cfg, and in
// Cargo.toml each dependency does.
#[cfg(not(madsim))]
compile_error!(include_str!("without_madsim.txt"));

#[cfg(madsim)]
pub use fencepost_faults as faults;
#[cfg(madsim)]
pub use fencepost_models as models;

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
