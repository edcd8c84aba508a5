//! The words behind the name of a bench, read one by one. What they mean is the bench's own.

use std::time::Duration;

pub struct Words<I> {
    words: I,
    usage: &'static str,
}

impl<I: Iterator<Item = String>> Words<I> {
    /// `usage` is shown with what cannot be read.
    pub fn new(words: I, usage: &'static str) -> Self {
        Self { words, usage }
    }

    /// The next word that is not what cargo adds.
    pub fn next(&mut self) -> Option<String> {
        self.words.find(|word| word != "--bench")
    }

    /// What stands behind an option.
    pub fn value(&mut self, option: &str) -> Result<String, String> {
        self.words.next().ok_or_else(|| format!("{option} needs a value\n{}", self.usage))
    }

    /// The same, with commas between.
    pub fn list(&mut self, option: &str) -> Result<Vec<String>, String> {
        Ok(self.value(option)?.split(',').map(|word| word.trim().to_owned()).collect())
    }

    pub fn number(&mut self, option: &str) -> Result<u64, String> {
        self.value(option)?.parse().map_err(|_| format!("{option} wants a number\n{}", self.usage))
    }

    pub fn seconds(&mut self, option: &str) -> Result<Duration, String> {
        self.number(option).map(Duration::from_secs)
    }

    pub fn unknown<T>(&self, word: &str) -> Result<T, String> {
        Err(format!("{word} is not known\n{}", self.usage))
    }
}
