//! `pharmatrace bench peers`: the budget of the hot paths, beside their limits and other programs.
//!
//! Three documents are generated: XML with 1,000 serials an event, XML with one, JSON-LD. Then, in one
//! run and on the same files: a search for single bytes (the limit of anything that looks at each byte),
//! the bare passes of the parsers below us, our reader both ways, a document to the plan of its
//! postings, and two readers from the Python index. Rows and serials have no file and their own peer.
//! Passes alternate, the best of each counts, and nothing else is compared than what stands in one block.

mod sheet;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use tokio::process::Command;

use super::program::{self, FOLD, YARDSTICK};
use crate::error::CommandError;
use crate::local::process::checked;
use crate::local::{repository, venv};
use crate::wiring::print_line;
use sheet::{Block, Sheet};

/// Each program runs so often, all of them in turn.
const PASSES: u32 = 2;

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Serials of each document; a fifth of them in the one with one serial an event
    #[arg(long, default_value_t = 1_000_000, value_name = "N",
          value_parser = clap::value_parser!(u64).range(5_000..=20_000_000))]
    serials: u64,
    /// A folder with the programs `yardstick` and `fold`, which are then not built
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Leave out the readers from the Python index
    #[arg(long)]
    without_python: bool,
}

/// One path, measured.
#[derive(Debug, Clone, Deserialize)]
struct Measured {
    /// The file it read, or `rows`.
    #[serde(default)]
    group: String,
    name: String,
    nanoseconds: u64,
    #[serde(default)]
    bytes: u64,
    items: u64,
}

/// The generated documents.
struct Files {
    dense: PathBuf,
    single: PathBuf,
    json: PathBuf,
}

/// Measures everything and judges it; `false` if a budget is missed.
///
/// # Errors
/// If something does not build or run.
pub(super) async fn run(options: &Options, json: bool) -> Result<bool, CommandError> {
    let root = repository()?;
    let (yardstick, fold) = match &options.programs {
        Some(folder) => (folder.join(YARDSTICK.name), folder.join(FOLD.name)),
        None => (
            program::build(&root, YARDSTICK, "bench").await?,
            program::build(&root, FOLD, "bench").await?,
        ),
    };
    let python = if options.without_python { None } else { Some(python(&root).await?) };
    let files = write(&root, &yardstick, options.serials).await?;
    let mut sheet = Sheet::default();
    for pass in 1..=PASSES {
        tracing::info!("pass {pass} of {PASSES} …");
        let paths = [&files.dense, &files.single, &files.json];
        let mut documents = Command::new(&yardstick);
        documents.arg("rates").args(paths);
        add(&mut sheet, documents, |it| block(&it.group)).await?;
        for (path, block) in paths.into_iter().zip(Block::DOCUMENTS) {
            let mut plan = Command::new(&fold);
            plan.arg("rates").arg(path);
            add(&mut sheet, plan, |_| Some(block)).await?;
        }
        let mut rows = Command::new(&yardstick);
        rows.arg("rates");
        add(&mut sheet, rows, |_| Some(Block::Rows)).await?;
    }
    if let Some(python) = python {
        // Each event costs one of them milliseconds: with one serial an event, half an hour.
        let bytes = files.dense.metadata().map_err(CommandError::io("a document"))?.len();
        let mut peers = Command::new(&python);
        peers.arg(root.join("infra/local/peers.py")).arg(&files.dense);
        for it in program::lines::<Measured>("peers.py", peers).await? {
            sheet.add(Block::Dense, &Measured { bytes, ..it });
        }
    }
    if json {
        print_line(&sheet.json()?)?;
    } else {
        sheet.lines().iter().try_for_each(|line| print_line(line))?;
    }
    Ok(sheet.is_within_budget())
}

async fn add(
    sheet: &mut Sheet,
    command: Command,
    block: impl Fn(&Measured) -> Option<Block>,
) -> Result<(), CommandError> {
    let lines: Vec<Measured> = program::lines("a measured program", command).await?;
    for it in lines {
        let unknown = || CommandError::Failed(format!("{}: an unknown block", it.group));
        let block = block(&it).ok_or_else(unknown)?;
        sheet.add(block, &it);
    }
    Ok(())
}

fn block(group: &str) -> Option<Block> {
    match group {
        "dense" => Some(Block::Dense),
        "single" => Some(Block::Single),
        "json" => Some(Block::Json),
        _ => None,
    }
}

async fn python(root: &Path) -> Result<PathBuf, CommandError> {
    let folder = root.join("target/peers/venv");
    venv::environment(root, "infra/local/peers.txt", &folder, "import lxml, eparsecis").await
}

async fn write(root: &Path, yardstick: &Path, serials: u64) -> Result<Files, CommandError> {
    let folder = root.join("target/peers");
    std::fs::create_dir_all(&folder).map_err(CommandError::io(folder.display().to_string()))?;
    let file = async |shape: &str, name: &str, serials: u64| {
        let path = folder.join(name);
        let mut command = Command::new(yardstick);
        command.args(["write", shape, &serials.to_string()]).arg(&path);
        checked("yardstick", command).await.map(|_| path)
    };
    Ok(Files {
        dense: file("dense", "dense.xml", serials).await?,
        single: file("single", "single.xml", serials / 5).await?,
        json: file("json", "dense.json", serials).await?,
    })
}
