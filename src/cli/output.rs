//! How commands write what they found: a table for people, JSON for programs.

#[derive(clap::Args)]
pub struct Output {
    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    #[default]
    Table,
    /// The page itself, for programs
    Json,
}

impl Output {
    pub fn is_json(&self) -> bool {
        self.output == Form::Json
    }
}
