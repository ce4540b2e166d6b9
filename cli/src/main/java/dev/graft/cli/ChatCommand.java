package dev.graft.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft chat}: a conversation at the terminal. */
@Command(
    name = "chat",
    mixinStandardHelpOptions = true,
    description = "Talks with a model by its chat template.")
final class ChatCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "A Hugging Face directory or a GGUF file.")
  private Path model;

  @Option(names = "--system", description = "What the model is told before the conversation.")
  private Optional<String> system = Optional.empty();

  @Option(
      names = "--max-tokens",
      defaultValue = "1024",
      description = "Tokens of one answer at most (${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--max-context",
      defaultValue = "8192",
      description = "Tokens of the conversation at most (${DEFAULT-VALUE}).")
  private int maxContext;

  @Mixin private EngineOptions engine;

  @Mixin private SamplingFlags sampling;

  @Override
  public Integer call() throws IOException {
    try (TextModel text = TextModel.open(model, engine, maxContext);
        ChatInput input = ChatInput.open()) {
      System.err.println("/help lists commands, Ctrl-C ends an answer, Ctrl-D leaves");
      new ChatLoop(text, sampling.of(model), maxTokens, system, input).run();
    }
    return ExitCode.DONE.code();
  }
}
