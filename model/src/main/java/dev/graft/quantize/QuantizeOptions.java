package dev.graft.quantize;

/**
 * How to quantise.
 *
 * @param scheme what weights become
 * @param lmHead whether the output head is quantised too, which unties it from the embedding
 * @param maxShardBytes largest file
 */
public record QuantizeOptions(Scheme scheme, boolean lmHead, long maxShardBytes) {}
