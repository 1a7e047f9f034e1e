#include <sluice/sluice.hpp>
