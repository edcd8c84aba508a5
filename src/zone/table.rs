//! 4,096 shards behind two levels of pointers. A copy shares everything; changing one shard copies its page of pointers
//! and nothing else. Flat, a publication would touch the reference count of every shard, beside the data that workers read.

use std::sync::Arc;

/// Shards of a page, and pages of a table.
const PAGE: usize = 64;

type Page<T> = [Arc<T>; PAGE];

#[derive(Debug)]
pub(super) struct ShardTable<T> {
    pages: Arc<[Arc<Page<T>>; PAGE]>,
}

impl<T> Clone for ShardTable<T> {
    fn clone(&self) -> Self {
        Self { pages: Arc::clone(&self.pages) }
    }
}

impl<T: Default> Default for ShardTable<T> {
    fn default() -> Self {
        let empty = Arc::new(T::default());
        let page: Arc<Page<T>> = Arc::new(std::array::from_fn(|_| Arc::clone(&empty)));
        Self { pages: Arc::new(std::array::from_fn(|_| Arc::clone(&page))) }
    }
}

impl<T> ShardTable<T> {
    /// The shard of a hash: its top twelve bits.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> &T {
        &self.pages[(hash >> 58) as usize][(hash >> 52) as usize % PAGE]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter().map(|shard| &**shard))
    }
}

impl<T: Clone> ShardTable<T> {
    /// The shard of a hash, to be changed; copies of the table keep what they have.
    pub(super) fn of_mut(&mut self, hash: u64) -> &mut T {
        let pages = Arc::make_mut(&mut self.pages);
        let page = Arc::make_mut(&mut pages[(hash >> 58) as usize]);
        Arc::make_mut(&mut page[(hash >> 52) as usize % PAGE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_in_one_shard_of_one_copy() {
        let mut table: ShardTable<Vec<u64>> = ShardTable::default();
        let before = table.clone();
        for shard in 0..(PAGE * PAGE) as u64 {
            table.of_mut(shard << 52 | 7).push(shard);
        }
        let after = table.clone();
        table.of_mut(u64::MAX).push(0);
        assert!(before.iter().all(Vec::is_empty));
        assert!(after.iter().enumerate().all(|(at, shard)| *shard == [at as u64]), "every shard is reached once");
        assert_eq!(table.of(u64::MAX), &[(PAGE * PAGE) as u64 - 1, 0]);
    }

    #[test]
    fn untouched_shards_are_shared() {
        let mut table: ShardTable<Vec<u64>> = ShardTable::default();
        let before = table.clone();
        table.of_mut(0).push(1);
        assert!(Arc::ptr_eq(&table.pages[1], &before.pages[1]));
        assert!(Arc::ptr_eq(&table.pages[0][1], &before.pages[0][1]));
        assert!(!Arc::ptr_eq(&table.pages[0][0], &before.pages[0][0]));
    }
}
