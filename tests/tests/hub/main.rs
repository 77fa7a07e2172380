//! Flows over the local cloud with the real binaries, and tidy checks of the repository.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails here, and its numbers are small"
)]

mod flow_audit;
mod flow_backup;
mod flow_bench;
mod flow_browser;
mod flow_closing;
mod flow_crash;
mod flow_credentials;
mod flow_doors;
mod flow_events;
mod flow_export;
mod flow_files;
mod flow_findings;
mod flow_inbound;
mod flow_kit;
mod flow_list;
mod flow_lists;
mod flow_openapi;
mod flow_page;
mod flow_paths;
mod flow_plant;
mod flow_random;
mod flow_reconcile;
mod flow_recount;
mod flow_replenish;
mod flow_reserve;
mod flow_return;
mod flow_sscc;
mod flow_states;
mod flow_telemetry;
mod flow_upgrade;
mod frugal;
mod openapi_views;
mod seeds;
mod tidy_keys;
mod tidy_kit;
mod tidy_openapi;
mod tidy_repository;
mod tidy_routes;
mod tidy_runbook;
mod tidy_start;
mod tidy_template;
