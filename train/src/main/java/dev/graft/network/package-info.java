/**
 * The model on libtorch: what it computes forwards and backwards on the tensors it is given. It
 * knows nothing of processes, optimisers or files of a run.
 *
 * <p>Shapes are written as suffixes: B sequences, S positions, T = B · S tokens, H hidden size, D
 * head_dim, F intermediate size, V vocabulary, n experts, k experts per token, A = k · T
 * assignments.
 */
package dev.graft.network;
