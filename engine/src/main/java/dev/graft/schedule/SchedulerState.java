package dev.graft.schedule;

/**
 * What the scheduler is at, after a step.
 *
 * @param waiting requests that have no pages
 * @param running requests that have
 * @param pages of the cache
 * @param pagesUsed that running requests refer to
 * @param pagesCached kept for their prefix alone
 * @param prefixTokens taken from the cache instead of computed, so far
 * @param preemptions so far
 * @param stepTokens that the last step computed
 */
public record SchedulerState(
    int waiting,
    int running,
    int pages,
    int pagesUsed,
    int pagesCached,
    long prefixTokens,
    long preemptions,
    int stepTokens) {}
