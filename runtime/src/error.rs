//! Everything that can go wrong at run time.
//!
//! A message names what it is about (the argument, the tensor, the file), what was expected and what
//! came. Whatever the error, parameters are as they were before the call; only a GPU that fails with a
//! step under way leaves it open whether that step was taken, and a GPU that is lost takes its
//! parameters with it.

use crate::arg::MAX_RANK;
use sinew_ir::{BindError, DType, SymbolValue};
use std::path::PathBuf;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong at run time.
///
/// `{:?}` writes the message too: it is what a `main` that returns an error prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Arguments that fit neither the declared shapes nor each other.
    #[error(transparent)]
    Bind(Box<BindError>),
    /// An argument of more dims than any program takes.
    #[error("`{argument}` has {rank} dims; at most {MAX_RANK} can be passed")]
    TooManyDims {
        /// The argument.
        argument: String,
        /// Its number of dims.
        rank: usize,
    },
    /// An argument without elements.
    #[error("`{argument}` is empty: it has shape {}", tuple(.shape))]
    Empty {
        /// The argument.
        argument: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// NaN or an infinity in an argument, where checking is on.
    #[error("`{argument}` holds {value} at {}", index(.position))]
    NotFinite {
        /// The argument.
        argument: String,
        /// Where in it.
        position: Vec<usize>,
        /// The value.
        value: f64,
    },
    /// An integer of an argument that the declared element type does not hold.
    #[error("`{argument}` holds {value} at {}, and is declared with elements of {dtype}", index(.position))]
    Range {
        /// The argument.
        argument: String,
        /// Where in it.
        position: Vec<usize>,
        /// The value.
        value: f64,
        /// The declared element type.
        dtype: DType,
    },
    /// An argument's value that is used as an index and lies outside the axis.
    #[error("`{argument}` holds {value} at {}, and must be at least {least} and below {}", index(.position), below(*.least, *.extent))]
    Index {
        /// The argument.
        argument: String,
        /// Where in it.
        position: Vec<usize>,
        /// The value.
        value: f64,
        /// The least that would do: 0, but where the function adds a constant to it.
        least: i64,
        /// The extent of the axis.
        extent: usize,
    },
    /// A step or a run that computed NaN or an infinity, where checking is on. Nothing was updated.
    #[error("the {what} of `{function}` is not finite: {origin}")]
    Computed {
        /// The function.
        function: String,
        /// What came out so (`loss`, `gradient`, `update`, `result`).
        what: &'static str,
        /// Which operation first made such a value, and where it was written.
        origin: String,
    },
    /// Two leaves that are one tensor of a file.
    #[error(
        "`{first}` and `{second}` are both `{name}` in the file: `rename`, or `#[pytorch(\"..\")]` in front of a field, gives each a name of its own"
    )]
    SameName {
        /// The tensor's name.
        name: String,
        /// The first leaf.
        first: String,
        /// The second.
        second: String,
    },
    /// An update without gradients.
    #[error(
        "nothing is accumulated to be applied: `accumulate(..)` or `set_gradients(..)` comes first"
    )]
    NothingAccumulated,
    /// A batch that is taken in parts and has not as many rows in each.
    #[error(
        "`{argument}` has {rows} rows, which are not {parts} parts of as many rows: `.micro_batches({parts})` asks for these"
    )]
    MicroBatches {
        /// The argument.
        argument: String,
        /// Its extent on the first axis.
        rows: usize,
        /// How many parts were asked for.
        parts: usize,
    },
    /// A function that cannot take its batch in parts.
    #[error("`{function}` cannot take its batch in parts: {reason}")]
    NotInParts {
        /// The function.
        function: String,
        /// Why.
        reason: String,
    },
    /// Data that cannot be cut into batches as asked for.
    #[error("`{function}` cannot take its data in batches: {reason}")]
    NotInBatches {
        /// The function.
        function: String,
        /// Why.
        reason: String,
    },
    /// A step of many in one call that came to nothing. Those before it were taken.
    #[error("step {number}, behind {} others of one call: {source}", .losses.len())]
    InSteps {
        /// Which step it was, as [`Step::number`](crate::Step::number) counts.
        number: u64,
        /// The losses of the steps of the call that were taken before it.
        losses: Vec<f64>,
        /// What went wrong.
        source: Box<Error>,
    },
    /// A function whose batches cannot be run by programs for other numbers of rows.
    #[error("`{function}` cannot run its batch in buckets: {reason}")]
    NotInBuckets {
        /// The function.
        function: String,
        /// Why.
        reason: String,
    },
    /// A moving average that nobody asked for.
    #[error("there is no moving average: `.moving_average(0.999)` before `.build()` keeps one")]
    NoAverage,
    /// A trained function whose first result is not one number of the working float, or one that no
    /// parameter of its first model changes.
    #[error(
        "`{function}` cannot be trained: it returns {returns}, and a loss is one number of the working \
         float (`Tensor`) that depends on a parameter"
    )]
    NotALoss {
        /// The function.
        function: String,
        /// What it returns, in words.
        returns: String,
    },
    /// A model that was put elsewhere by what was built with it first.
    #[error(
        "{model} is on {there}, and was asked for on {here}: what shares a model runs where it is"
    )]
    Elsewhere {
        /// Which model, of which function.
        model: String,
        /// Where it was asked for: the device, and the precision.
        here: String,
        /// Where it is.
        there: String,
    },
    /// One model that is given for two.
    #[error(
        "`{first}` and `{second}` of `{function}` are one model: where they are to start as the same, \
         give a clone"
    )]
    SameModel {
        /// The function.
        function: String,
        /// One of its models.
        first: String,
        /// The other.
        second: String,
    },
    /// Models that do not agree in a size that they share.
    #[error("the models of `{function}` do not agree in `{symbol}`: it is {first} and {second}")]
    Sizes {
        /// The function.
        function: String,
        /// The symbol, by its name there.
        symbol: &'static str,
        /// What one model says.
        first: String,
        /// What another says.
        second: String,
    },
    /// A pattern of `freeze` or `only` that matches no path.
    #[error("`{pattern}` matches no parameter; near it: {near}. `*` stands for any text, dots too")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The paths that are most like it.
        near: String,
    },
    /// Patterns that freeze some of repeated children, which programs have as one parameter.
    #[error(
        "`{frozen}` cannot be frozen while `{trained}` is trained: repeated children are trained together"
    )]
    FrozenInPart {
        /// What is not to be trained.
        frozen: String,
        /// What is.
        trained: String,
    },
    /// Patterns that group some of repeated children with others, which programs have as one parameter.
    #[error(
        "`{first}` and `{second}` cannot be in two groups: repeated children are updated together"
    )]
    GroupedInPart {
        /// What is in one group.
        first: String,
        /// What is in another.
        second: String,
    },
    /// A weight decay for a group whose rule has none.
    #[error("the update `{rule}` has no weight decay to change for a group")]
    NoWeightDecay {
        /// The rule's function.
        rule: String,
    },
    /// A model function that cannot be the update of an optimizer.
    #[error("`{function}` is no update of a parameter: {problem}")]
    Rule {
        /// The function.
        function: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Patterns that leave nothing to train of what the loss depends on.
    #[error(
        "nothing is left to train: the loss of `{function}` depends on frozen parameters alone"
    )]
    AllFrozen {
        /// The function.
        function: String,
    },
    /// Repeated children that are configured in different ways: programs have them as one.
    #[error(
        "`{children}.0.{path}` is {first}, and `{children}.{number}.{path}` is {other}: repeated children \
         are configured alike"
    )]
    Settings {
        /// The path of the children.
        children: String,
        /// What differs.
        path: String,
        /// What it is in the first child.
        first: SymbolValue,
        /// The child that differs.
        number: usize,
        /// What it is there.
        other: SymbolValue,
    },
    /// A number that an update rule cannot use.
    #[error("the optimizer's {name} is {value:?}, and must be {range}")]
    Setting {
        /// The number's name.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What would do, in words.
        range: String,
    },
    /// Steps on no thread, or on more than any machine has.
    #[error(
        "asked for {asked} threads: from 1, which is the caller's own, to {most} are possible; without \
         `.threads(..)` as many as the process may use"
    )]
    Threads {
        /// How many were asked for.
        asked: usize,
        /// The most that are possible.
        most: usize,
    },
    /// A variable of the environment with a value that means nothing: `SINEW_VECTORS`, `SINEW_SHARED`.
    #[error("the variable `{name}` is `{value}`: expected {expected}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A cache that keeps no program, so that there would be none to run.
    #[error("a cache of 0 programs has none to run: `.cache(1)` keeps the one that ran last")]
    NoCache,
    /// A precision that the device does not have.
    #[error("{device} computes in f32 only: use Precision::F32, or Device::cpu()")]
    Precision {
        /// The device.
        device: String,
    },
    /// Memory that the system does not give.
    #[error("no memory for {what}: {bytes} bytes")]
    OutOfMemory {
        /// What it was for: a region's name, an argument, a result.
        what: String,
        /// How much was asked for.
        bytes: usize,
    },
    /// A step that takes more memory than its budget, whatever of it is computed again.
    #[error(
        "a step of `{function}` does not fit its memory budget of {budget} bytes: it works in {before} \
         bytes with all values kept, and in no less than {least} with values computed again. The largest \
         of these, in bytes: {}",
        largest.join("; ")
    )]
    MemoryBudget {
        /// The function.
        function: String,
        /// The budget.
        budget: usize,
        /// The bytes with all values kept.
        before: usize,
        /// The least that was reached, in words.
        least: String,
        /// The largest values then, each with its bytes.
        largest: Vec<String>,
    },
    /// A tensor that the memory of this machine has no room for.
    #[error("`{tensor}` of shape {shape} is too large for the memory")]
    TooLarge {
        /// The parameter's path in its model, the argument, or which result.
        tensor: String,
        /// Its shape.
        shape: String,
    },
    /// A stage's text was asked for before anything was compiled.
    #[error("nothing is compiled for `{function}` yet: call it once, or `prepare` it")]
    NothingCompiled {
        /// The function.
        function: String,
    },
    /// Kernels on a device that does not tell how long they take.
    #[error("`{device}` does not tell how long a kernel takes: its driver has no timestamps")]
    NoClock {
        /// The device.
        device: String,
    },
    /// A text of kernels was asked for in a form that they do not have.
    #[error("no such code: {0}")]
    NoCode(String),
    /// A function's stored text that cannot be read: it was made by another version of this library.
    #[error("the program of `{function}` cannot be read: {source}")]
    Text {
        /// The function.
        function: String,
        /// What the reader says.
        source: Box<sinew_ir::ParseError>,
    },
    /// A function that does not link.
    #[error("`{function}` does not link: {source}")]
    Link {
        /// The function.
        function: String,
        /// What the linker says.
        source: Box<sinew_ir::LinkError>,
    },
    /// An update rule that the IR refuses.
    #[error("the optimizer's update has no program: {0}")]
    Update(sinew_ir::OpError),
    /// A program without a schedule.
    #[error("`{function}` cannot be scheduled: {source}")]
    Schedule {
        /// The function.
        function: String,
        /// What the scheduler says.
        source: Box<sinew_codegen::schedule::ScheduleError>,
    },
    /// A device that this build has no code generator for.
    #[error("this build cannot compile for the {0}: build with the feature `{0}`")]
    NoCodeGenerator(&'static str),
    /// A schedule that cannot become machine code here.
    #[cfg(feature = "cpu")]
    #[error("`{function}` cannot be compiled for this processor: {source}")]
    Cpu {
        /// The function.
        function: String,
        /// What the code generator says.
        source: Box<sinew_codegen::cpu::EmitError>,
    },
    /// A wrong number of arguments for a function: its emitted code is of another version.
    #[error("`{function}` takes {expected} arguments, and {actual} came")]
    Arguments {
        /// The function.
        function: String,
        /// What it takes.
        expected: usize,
        /// What came.
        actual: usize,
    },
    /// A function that names a leaf its model does not have: its emitted code is of another version.
    #[error("`{function}` uses `{leaf}`, which its model does not have")]
    NoLeaf {
        /// The function.
        function: String,
        /// The leaf.
        leaf: String,
    },
    /// A parameter or state with elements other than the working float: `#[model]` refuses it.
    #[error(
        "`{leaf}` of `{function}` has elements of type {dtype}, and must be of the working float"
    )]
    LeafType {
        /// The function.
        function: String,
        /// The leaf.
        leaf: String,
        /// Its declared element type.
        dtype: DType,
    },
    /// A program whose regions are not those of its call: a bug in this library, reported rather
    /// than run.
    #[error("a program's memory does not fit its call ({count} regions): please report this")]
    Regions {
        /// How many there are.
        count: usize,
    },
    /// A program with another number of results or gradients than its function declares: its emitted
    /// code is of another version.
    #[error("`{function}` declares {expected} results, and its program has {actual}")]
    Results {
        /// The function.
        function: String,
        /// What it declares.
        expected: usize,
        /// What its program has.
        actual: usize,
    },
    /// A result of another rank than its function declares: its emitted code is of another version.
    #[error("a result is declared with {declared} dims, and its shape is {}", tuple(.shape))]
    ResultRank {
        /// How many dims are declared.
        declared: usize,
        /// The shape that the program gives.
        shape: Vec<usize>,
    },
    /// Something that is asked for by name after a run, and that the run did not give.
    #[error(
        "nothing has captured `{name}`: asked for {}; `capture(..)` asks, and a run or step gives",
        listed(.known)
    )]
    Captured {
        /// The name.
        name: String,
        /// What the runner or trainer asks for.
        known: Vec<String>,
    },
    /// What is captured has other elements than are asked for.
    #[error("what is captured as `{name}` has elements of {dtype}, and was read as {read}")]
    CapturedType {
        /// The name.
        name: String,
        /// The element type.
        dtype: DType,
        /// The one that it was read as.
        read: &'static str,
    },
    /// What is captured has another rank than is asked for.
    #[error("what is captured as `{name}` has {} dims, its shape is {}, and was read as an array of {read}",
        .shape.len(), tuple(.shape))]
    CapturedRank {
        /// The name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The number of dims that it was read as.
        read: usize,
    },
    /// An array in the place of a value of another shape, or of other elements than f32 or f64.
    #[error(
        "`{name}` has shape {} and elements of floats, and an array of shape {} was given in its place",
        tuple(.expected), tuple(.actual)
    )]
    Patch {
        /// The name of the place.
        name: String,
        /// The shape of the value.
        expected: Vec<usize>,
        /// The shape of the array.
        actual: Vec<usize>,
    },
    /// Values of another shape than the parameter's.
    #[error("the parameter has shape {}, and values of shape {} came", tuple(.expected), tuple(.actual))]
    ParamShape {
        /// The parameter's shape.
        expected: Vec<usize>,
        /// The values'.
        actual: Vec<usize>,
    },
    /// A parameter that was taken for a number and is a tensor.
    #[error("a parameter of shape {} is not one number", tuple(.shape))]
    NotOneElement {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// No device of the kind asked for.
    #[error("{0}")]
    NoDevice(String),
    /// What a GPU cannot do or did not do: tensors past its limits, too little memory, its loss.
    #[cfg(feature = "gpu")]
    #[error(transparent)]
    Gpu(crate::gpu::GpuError),
    /// A file that cannot be opened, read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is no safetensors file, or ends too early.
    #[error("{} is not a complete safetensors file: {reason}", .path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder that machine code is not kept in: what others can write to, or none.
    #[error("{} cannot keep machine code: {reason}", .folder.display())]
    CodeCache {
        /// The folder, or the name of an app that was to have one.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A safetensors file that is no trainer's, or not one of this version.
    #[error("{} cannot be resumed: {reason}", .path.display())]
    NotTraining {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model that is given in the place of another, and has other sizes or settings.
    #[error("the model that is given is not like the one it takes the place of: {problem}")]
    OtherModel {
        /// What differs.
        problem: String,
    },
    /// A safetensors file whose tensors are not the model's.
    #[error("{} does not fit the model: {}", .path.display(), first_few(.problems))]
    Tensors {
        /// The file.
        path: PathBuf,
        /// One sentence for each tensor that is missing, extra, misshaped or of another type.
        problems: Vec<String>,
    },
    /// A model whose sizes are configuration cannot be made of a file alone.
    #[error(
        "{}: the sizes of a `{model}` are configuration; make one with `init`, then call `load_into`",
        .path.display()
    )]
    SizesUnknown {
        /// The model's type.
        model: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Sizes for which a dim of a parameter is no extent.
    #[error("the dim {dim} of `{parameter}` is {value} for these sizes")]
    Size {
        /// The parameter's path in its model.
        parameter: String,
        /// The dim as declared.
        dim: &'static str,
        /// Its value.
        value: i128,
    },
}

#[cfg(feature = "gpu")]
impl From<crate::gpu::GpuError> for Error {
    fn from(error: crate::gpu::GpuError) -> Error {
        use crate::gpu::GpuError;
        match error {
            GpuError::NotFound { .. } | GpuError::Open { .. } => Error::NoDevice(error.to_string()),
            GpuError::Schedule(_)
            | GpuError::Emit(_)
            | GpuError::OutOfMemory { .. }
            | GpuError::Refused { .. }
            | GpuError::Lost { .. }
            | GpuError::Region { .. }
            | GpuError::Range { .. } => Error::Gpu(error),
        }
    }
}

impl Error {
    pub(crate) fn link(function: &str, source: sinew_ir::LinkError) -> Error {
        Error::Link {
            function: function.into(),
            source: Box::new(source),
        }
    }
}

impl std::fmt::Debug for Error {
    /// The message, and of its causes what it does not say itself.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let words = error.to_string();
            if !said.contains(&words) {
                said.push_str("\ncaused by: ");
                said.push_str(&words);
            }
            cause = error.source();
        }
        f.write_str(&said)
    }
}

/// The first of many sentences, and how many there are more.
fn first_few(problems: &[String]) -> String {
    const SHOWN: usize = 20;
    match problems.len().checked_sub(SHOWN) {
        None | Some(0) => problems.join("; "),
        Some(more) => format!("{}; and {more} more", problems[..SHOWN].join("; ")),
    }
}

/// The end of `extent` numbers from `least` on.
fn below(least: i64, extent: usize) -> i128 {
    i128::from(least) + extent as i128
}

/// A position as people write it: `[2, 3]`.
fn index(position: &[usize]) -> String {
    format!("{position:?}")
}

impl From<BindError> for Error {
    fn from(error: BindError) -> Error {
        Error::Bind(Box::new(error))
    }
}

// A result is returned by value everywhere: past 128 bytes clippy warns at each function of a user.
const _: () = assert!(size_of::<Error>() <= 96);

/// `a`, `b`; none.
fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match names.is_empty() {
        true => "nothing".to_string(),
        false => names.join(", "),
    }
}

/// A shape as people write it: `(2, 3)`, `(4,)`, `()`.
pub(crate) fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => {
            let extents: Vec<String> = many.iter().map(usize::to_string).collect();
            format!("({})", extents.join(", "))
        }
    }
}
