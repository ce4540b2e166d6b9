/**
 * Text to tokens and back, and token files: tokenizer, chat template, Megatron's indexed datasets,
 * mixing and batches.
 */
package dev.graft.text;
