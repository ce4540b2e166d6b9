import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Jlama on a Hugging Face directory, its weights as they are stored, driven below its tokenizer and its sampling, so that the same things
 * are counted as with the other engines.
 *
 * <p>usage: {@code bench DIR THREADS PROMPT GENERATE RUNS}, or {@code perplexity DIR THREADS IDS CONTEXT} where IDS is a file of token ids
 * between blanks. Prints one line of JSON.
 */
public final class JlamaPeer {

    private final AbstractModel model;
    private final AbstractTensor logits;

    private JlamaPeer(AbstractModel model) {
        this.model = model;
        this.logits = model.makeDenseTensor(model.getConfig().vocabularySize);
    }

    public static void main(String[] args) throws Exception {
        // F32 and I8 are what Jlama's own command line asks for; of a bfloat16 model it then makes bfloat16 of the I8 by itself.
        AbstractModel model = ModelSupport.loadModel(
                new File(args[1]), null, DType.F32, DType.I8, Optional.empty(), Optional.of(Integer.parseInt(args[2])));
        JlamaPeer peer = new JlamaPeer(model);
        switch (args[0]) {
            case "bench" -> peer.bench(Integer.parseInt(args[3]), Integer.parseInt(args[4]), Integer.parseInt(args[5]));
            case "perplexity" -> peer.perplexity(
                    Arrays.stream(Files.readString(Path.of(args[3])).strip().split("\\s+")).mapToInt(Integer::parseInt).toArray(),
                    Integer.parseInt(args[4]));
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.exit(0); // its pools hold the JVM
    }

    /** A fresh context: nothing of an earlier run is in it. */
    private KvBufferCache.KvBuffer context() {
        return new KvBufferCache(model).getEphemeralKvBuffer();
    }

    private void bench(int prompt, int generate, int runs) {
        int vocab = model.getConfig().vocabularySize;
        int[] ids = new int[prompt];
        for (int i = 0; i < prompt; i++) {
            ids[i] = (int) ((1000 + i * 7919L) % vocab);
        }
        double[] prefill = new double[runs];
        double[] decode = new double[runs];
        for (int run = -2; run < runs; run++) { // two to warm up
            double began = now();
            try (var kv = context()) {
                AbstractTensor hidden = model.batchForward(ids, 0, kv);
                head(hidden, hidden.shape().first() - 1);
                hidden.close();
            }
            double middle = now();
            try (var kv = context()) {
                for (int i = 0; i < generate; i++) {
                    try (AbstractTensor hidden = model.forward(ids[i % prompt], i, kv, Optional.empty())) {
                        head(hidden, 0);
                    }
                }
            }
            double ended = now();
            if (run >= 0) {
                prefill[run] = prompt / (middle - began);
                decode[run] = generate / (ended - middle);
            }
        }
        System.out.printf(Locale.ROOT, "{\"prefill_tokens_per_second\": %.2f, \"decode_tokens_per_second\": %.2f, \"kernels\": \"%s\"}%n",
                median(prefill), median(decode), TensorOperationsProvider.get().name());
    }

    /** The most likely next token after row {@code row}; leaves all logits behind. */
    private int head(AbstractTensor hidden, int row) {
        return model.sample(hidden.slice(row), 0, 0, logits);
    }

    private void perplexity(int[] ids, int context) {
        int windows = ids.length / context;
        int vocab = model.getConfig().vocabularySize;
        double sum = 0;
        for (int w = 0; w < windows; w++) {
            try (var kv = context()) {
                for (int start = 0; start < context; start += 256) { // its own batch; it returns the last one only
                    int end = Math.min(start + 256, context);
                    AbstractTensor hidden = model.batchForward(Arrays.copyOfRange(ids, w * context + start, w * context + end), start, kv);
                    for (int i = start; i < Math.min(end, context - 1); i++) {
                        float largest = logits.get(0, head(hidden, i - start));
                        double total = 0;
                        for (int v = 0; v < vocab; v++) {
                            total += Math.exp(logits.get(0, v) - largest);
                        }
                        sum += largest + Math.log(total) - logits.get(0, ids[w * context + i + 1]);
                    }
                    hidden.close();
                }
            }
        }
        long scored = (long) windows * (context - 1);
        System.out.printf(Locale.ROOT, "{\"perplexity\": %.6f, \"tokens\": %d, \"windows\": %d}%n", Math.exp(sum / scored), scored, windows);
    }

    private static double now() {
        return System.nanoTime() * 1e-9;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
