// npm run setup: packages, build, Temporal and TensorFlow. Harmless to repeat.
import { buildAll, installPackages, provisionTools, requireNode, say } from './tasks.mjs';

requireNode();
installPackages();
buildAll();
provisionTools(['temporal', 'tensorflow']);
say('\nReady. Next: npm run perennial -- up --detach, then npm run perennial -- run pipelines/penguins.json');
