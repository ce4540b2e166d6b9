package dev.graft.decoder;

/**
 * A chunk and its number in the step.
 *
 * @param number its place in the list
 * @param chunk the chunk
 */
record Numbered(int number, Chunk chunk) {}
