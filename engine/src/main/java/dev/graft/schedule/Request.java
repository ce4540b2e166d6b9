package dev.graft.schedule;

import dev.graft.sample.NextToken;

/**
 * A sequence to go on with.
 *
 * @param prompt token ids, at least one
 * @param maxTokens tokens to generate at most, at least 1
 * @param next chooses each of them
 */
public record Request(int[] prompt, int maxTokens, NextToken next) {}
