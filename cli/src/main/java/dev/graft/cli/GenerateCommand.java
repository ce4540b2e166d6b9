package dev.graft.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft generate}: a text goes on. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Goes on with a prompt, streaming; no chat template.")
final class GenerateCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "A Hugging Face directory or a GGUF file.")
  private Path model;

  @Option(names = "--prompt", required = true, description = "The text to go on with.")
  private String prompt;

  @Option(
      names = "--max-tokens",
      defaultValue = "128",
      description = "Tokens to generate at most (${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(names = "--stop", description = "Ends the text before this string; may be repeated.")
  private List<String> stops = List.of();

  @Option(
      names = "--max-context",
      defaultValue = "8192",
      description = "Tokens of prompt and answer at most (${DEFAULT-VALUE}).")
  private int maxContext;

  @Mixin private EngineOptions engine;

  @Mixin private SamplingFlags sampling;

  @Option(names = "--json", description = "One JSON object at the end instead of a stream.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    try (TextModel text = TextModel.open(model, engine, maxContext)) {
      StringBuilder whole = new StringBuilder();
      Consumer<String> out =
          json
              ? whole::append
              : piece -> {
                System.out.print(piece);
                System.out.flush();
              };
      TextModel.Answer answer =
          text.write(
                  text.tokenizer().encodeWithSpecials(prompt),
                  maxTokens,
                  sampling.of(model),
                  stops,
                  out)
              .run();
      if (json) {
        ObjectNode facts = JsonMapper.shared().createObjectNode();
        facts.put("text", whole.toString());
        facts.put("finish_reason", answer.finish().name().toLowerCase(java.util.Locale.ROOT));
        facts.put("prompt_tokens", answer.promptTokens());
        facts.put("completion_tokens", answer.tokens());
        facts.put("first_token_seconds", answer.firstSeconds());
        facts.put("tokens_per_second", answer.rate());
        System.out.println(JsonMapper.shared().writeValueAsString(facts));
      } else {
        System.out.println();
        System.err.println(answer.summary());
      }
    }
    return ExitCode.DONE.code();
  }
}
